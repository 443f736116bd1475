"""The last check before a driver: what may be done to a circuit now, whatever was planned."""
