"""A ven.yaml described: its schema, its text, its changes, its diagrams."""
