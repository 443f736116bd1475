"""The loop: one inbox, one decision at a time, and those who wait for it."""
