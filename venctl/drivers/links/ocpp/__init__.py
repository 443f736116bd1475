"""OCPP 1.6J: chargers connect to this program, which limits what they may draw.

Only `session` sees the library, which is an extra.
"""
