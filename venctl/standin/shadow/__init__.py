"""The stand-in's Device Shadow service."""
