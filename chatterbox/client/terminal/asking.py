"""An answer to `--ask-name` is the name of a person, given before there is a link (seed 001: choose, then connect).

This module knows one question on the terminal, and what can't be a name. It knows no hub.
"""

from __future__ import annotations

from collections.abc import Callable

from ... import raise_on_interrupts
from ...limits import Limits
from ...wire.names import read_name
from ..options import CLEAN

QUESTION = "Choose your nickname: "


def ask_name(ask: Callable[[str], str] = input, tell: Callable[[str], object] = print) -> str:
    """Return the name that the person gives; what can't be one is refused with the reason, and asked for again.

    Raises:
        SystemExit: the person wants none, and leaves.
    """
    raise_on_interrupts()
    try:
        name, fault = read_name(ask(QUESTION).strip(), Limits().max_name)
        while fault:
            tell(fault)
            name, fault = read_name(ask(QUESTION).strip(), Limits().max_name)
    except (EOFError, KeyboardInterrupt):
        raise SystemExit(CLEAN) from None
    return name
