"""The state folder of a site: its lock, how a command finds it, its token."""
