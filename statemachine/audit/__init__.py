"""Checks a ven.yaml as a whole: every finding, with its position."""
