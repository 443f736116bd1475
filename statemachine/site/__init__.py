"""What a ven.yaml says: its settings, how each is read, and their positions in the file."""
