"""`venctl circuits test`: switches each wired circuit once, and watches every meter."""
