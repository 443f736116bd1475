"""The way to the cloud at the start: the checks before MQTT, and the shadow where none is kept."""
