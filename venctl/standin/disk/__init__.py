"""The stand-in's files: rows in SQLite, written without blocking its loop."""
