"""Does a ven.yaml hang together: every finding, with its place."""
