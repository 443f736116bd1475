"""The last check before a driver: what can be done to a circuit now, whatever the plan is."""
