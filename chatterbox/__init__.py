"""Chatterbox is the hub two ends talk through: two terminals, two pipes, or a room of them."""

__version__ = "0.1.0"
