"""The tests; `python -m pytest` and `python -m twisted.trial tests` run the same ones."""

import signal

from hypothesis import settings

from .harness.inputs import PROPERTY

settings.register_profile("chatterbox", PROPERTY)
settings.load_profile("chatterbox")  # also for a property that doesn't say so: no clock judges it

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever is started in the background by a plain shell ignores ^C, and so would every process of the tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
