"""Chatterbox is a small chat server and its client, for two terminals, two programs, or a room full of both."""

__version__ = "0.1.0"


def versions() -> str:
    """Return the versions of all that runs here, in one line."""
    import platform

    from twisted import __version__ as twisted

    return f"chatterbox {__version__} (Python {platform.python_version()}, Twisted {twisted})"
