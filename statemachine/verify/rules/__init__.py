"""The rules that every moment of a day must keep."""
