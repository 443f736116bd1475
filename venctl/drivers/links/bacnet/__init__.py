"""BACnet/IP: objects of devices, read and written at a priority, and given back with Null.

Only `stack` sees the library, which is an extra.
"""
