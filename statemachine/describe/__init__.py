"""Descriptions of a ven.yaml: its schema, its text, its changes, its diagrams."""
