"""`venctl doctor`: the way to the cloud, step by step."""
