"""The journal on the disk, written by one thread, and the messages that are not sent yet."""
