"""The local page: one site shown and steered, over a `Desk` of a few methods."""
