"""The link to the cloud: MQTT 5 and the device shadow, and what the core says over them."""
