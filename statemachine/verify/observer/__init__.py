"""An independent observer of a played day, who knows the truth of the modelled world."""
