"""The bodies of the API, declared: what it takes and what it answers, field by field."""
