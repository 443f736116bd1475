"""The devices that this program knows: one template a file, as data."""
