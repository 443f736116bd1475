"""The device shadow: what the cloud desires, which choice wins, and what is reported."""
