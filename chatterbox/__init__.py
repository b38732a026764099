"""Chatterbox is a small chat server and its client, for two terminals, two programs, or a room full of both."""

__version__ = "0.1.0"


def die_of_interrupts() -> None:
    """Let ^C end this process at once and without a traceback, until somebody takes that signal.

    Most of a command's first half second is imports. A signal that is ignored, as behind `&`, stays so.
    """
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def raise_on_interrupts() -> None:
    """Let ^C raise KeyboardInterrupt again: there is something to be put in order first."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def versions() -> str:
    """Return the versions of all that runs here, in one line."""
    import platform

    from twisted import __version__ as twisted

    return f"chatterbox {__version__} (Python {platform.python_version()}, Twisted {twisted})"
