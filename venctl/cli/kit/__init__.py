"""What the commands share: arguments, clock, requests, logs, words."""
