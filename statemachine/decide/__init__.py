"""The decision: what a trigger means for what is known, and what to do about it."""
