"""A failure is why a connection ended or was never made, in words that fit into one line.

This module knows Twisted's failures and those of TLS. It does not know whom they are told, or what follows.
"""

from __future__ import annotations

import os
import sys
from typing import Any, cast

from twisted.internet import error
from twisted.logger import ILogObserver, LogEvent, globalLogBeginner
from twisted.python.failure import Failure

from ..wire.text import clean_text

_WORDS: tuple[tuple[type[Exception], str, str], ...] = (
    (error.ConnectionRefusedError, "connection refused", "is a hub running there?"),
    (error.TimeoutError, "no answer", "is a hub running there?"),
    (error.DNSLookupError, "no such host", "is the name right?"),
    (error.ConnectionDone, "the hub closed the connection", "it may be a TLS port: try tls:{hub}"),
    (error.ConnectionLost, "the connection broke", "is a hub running there?"),
)
"""Kinds of failures, each with its words, and what to look at where there was no connection yet."""
_TLS_WORDS = {
    "certificate verify failed": (
        "its certificate is not trusted",
        "trust your own one with tls:HOST:PORT:trustRoots=FOLDER, see docs/running.md",
    ),
    "wrong version number": ("it speaks no TLS", "try it without tls:"),
    "packet length too long": ("it speaks no TLS", "try it without tls:"),
    "record layer failure": ("it speaks no TLS", "try it without tls:"),
    "unexpected eof while reading": ("the hub closed the connection", "does it speak TLS?"),
    "tlsv13 alert certificate required": (
        "it wants a certificate of yours",
        "give one with tls:HOST:PORT:certificate=CERT.pem:privateKey=KEY.pem",
    ),
}


_CERTIFICATES = "twisted.internet._sslverify"
"""Where Twisted logs a certificate that it can't read, as a fault of its own; a link refuses such a one."""


def fault_in(event: LogEvent) -> Failure | None:
    """Return the fault of this program that Twisted has logged, if it is one."""
    return None if event.get("log_namespace") == _CERTIFICATES else event.get("log_failure")


def show_faults() -> None:
    """Write faults of this program to stderr, and nothing else that Twisted logs."""

    def observe(event: LogEvent) -> None:
        fault = fault_in(event)
        if fault and sys.stderr:
            fault.printTraceback(sys.stderr)

    globalLogBeginner.beginLoggingTo([cast(ILogObserver, observe)], redirectStandardIO=False, discardBuffer=True)


def failure_text(failure: Failure) -> str:
    """Return the reason in a few words: ours, the system's, or the exception's own."""
    return _explained(failure)[0]


def unreachable(hub: str, failure: Failure) -> str:
    """Return why `hub` was not reached, and what to do about it."""
    words, hint = _explained(failure)
    return f"cannot reach {hub}: {words}" + (f"; {hint.format(hub=hub)}" if hint else "")


def is_of_tls(failure: Failure) -> bool:
    """Return whether TLS itself failed; neither library is imported for that, since it may not be there."""
    return type(failure.value).__module__.split(".")[0] in ("OpenSSL", "service_identity")


def has_names(certificate: Any) -> bool:
    """Return whether a certificate names hosts in a way that can be checked (RFC 9525: its `subjectAltName`)."""
    from service_identity.exceptions import CertificateError
    from service_identity.pyopenssl import extract_patterns

    try:
        return bool(extract_patterns(certificate))
    except CertificateError:
        return False


def _explained(failure: Failure) -> tuple[str, str]:
    fault = failure.value
    if is_of_tls(failure):
        return _of_tls(fault)
    for kind, words, hint in _WORDS:
        if isinstance(fault, kind):
            return words, hint
    number = getattr(fault, "osError", None) or getattr(fault, "errno", None)
    if isinstance(number, int):
        return os.strerror(number), "is a hub running there?"
    return clean_text(str(fault)) or "no reason is known", ""


def _of_tls(fault: BaseException | None) -> tuple[str, str]:
    """Explain a fault of TLS; OpenSSL gives a list of (library, function, reason)."""
    if fault is None or type(fault).__name__ == "VerificationError":
        return "its certificate is for another name", "use the name that it was made for"
    reasons = (
        [str(each[-1]) for each in fault.args[0] if each] if fault.args and isinstance(fault.args[0], list) else []
    )
    for reason in reasons:
        if reason in _TLS_WORDS:
            return _TLS_WORDS[reason]
    return "the encrypted link failed" + (clean_text(f" ({', '.join(reasons)})") if any(reasons) else ""), ""
