"""Checks whether a day goes as it must: a modelled world, an observer, rules, and a search."""
