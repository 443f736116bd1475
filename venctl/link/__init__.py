"""The link to the cloud: MQTT 5, the device shadow, and the core's messages over them."""
