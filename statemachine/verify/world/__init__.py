"""A modelled world: a day's scenario, panel, loads, drivers and cloud, played in simulated time."""
