"""What a ven.yaml says: the settings, how each is read, and the findings there can be."""
