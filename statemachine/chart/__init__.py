"""The state charts of ven.yaml: the names they can use, and the machine that runs them."""
