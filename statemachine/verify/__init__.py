"""Does a day go as it must: a modelled world, an observer, the rules, the search."""
