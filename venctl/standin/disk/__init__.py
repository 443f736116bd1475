"""The stand-in's own files: rows in SQLite, written without making its loop wait."""
