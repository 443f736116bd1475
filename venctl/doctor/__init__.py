"""`venctl doctor`: the connection to the cloud, step by step."""
