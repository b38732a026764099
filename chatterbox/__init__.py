"""Chatterbox is a small chat server and its client, for two terminals, two programs, or a room full of both."""

__version__ = "0.1.0"
