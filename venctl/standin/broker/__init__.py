"""The stand-in's MQTT broker: packets, sessions, topics, retained messages, policies."""
