"""A stand-in for AWS IoT on this machine: MQTT broker, Device Shadow, iot-data REST."""

from .cloud import Device, LocalCloud, PortTaken, Tls

__all__ = ["Device", "LocalCloud", "PortTaken", "Tls"]
