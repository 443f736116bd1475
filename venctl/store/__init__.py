"""The journal on the disk: opened, read, written by one thread, and the messages still to send."""
