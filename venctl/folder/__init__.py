"""The state folder of a site: who has it, how a command finds it, its token."""
