"""The devices of a ven.yaml: what each one is, how it is reached, and what it cannot do."""
