"""A stand-in for AWS IoT on this machine: MQTT broker, Device Shadow, iot-data REST."""
