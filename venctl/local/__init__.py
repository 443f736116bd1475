"""A stand-in for AWS IoT on this machine: MQTT 5 broker, Device Shadow, iot-data REST."""

from .cloud import LocalCloud, PortTaken

__all__ = ["LocalCloud", "PortTaken"]
