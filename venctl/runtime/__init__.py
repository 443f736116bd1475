"""The loop: one inbox, one decision at a time, and who waits for it."""
