"""The device shadow: what the cloud desires, who wins, and what is reported."""
