"""Commands about wired circuits and their devices."""
