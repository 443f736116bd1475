"""Simulated days: played, drawn, and searched for one that breaks a rule."""
