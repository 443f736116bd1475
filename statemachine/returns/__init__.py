"""How load comes back: what ends an event, in which order and when circuits return."""
