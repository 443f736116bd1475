"""Searches for a day that breaks a rule, shrinks it and tells its story."""
