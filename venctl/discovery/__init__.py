"""`venctl discover`: finds devices by asking what is named, and switches nothing."""
