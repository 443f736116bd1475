"""The charts of ven.yaml: the names they may use, and the machine that executes them."""
