"""How load comes back: what ends an event, and when and in which order circuits return."""
