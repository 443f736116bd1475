"""The connection to the cloud: checks before MQTT, and a shadow server for plain brokers."""
