"""An independent observer of a played day, which knows the truth of the modelled world."""
