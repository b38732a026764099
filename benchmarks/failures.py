"""A failure is what today's small hubs do to the people on them; here are five, tried on each hub that is installed.

`python -m benchmarks.failures` prints the table. Each is a few lines on plain sockets, as any program might say them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from socket import create_connection, socket

from .lines import SLICE, Damage
from .load import meet
from .relays import HOST, HUB, NCAT, TEXTBOOK, Relay, Running

HUBS = (HUB, replace(NCAT, name="ncat --chat"), replace(TEXTBOOK, name="textbook Twisted"))
PUMPED = 32 * 1024 * 1024
"""Bytes said to one who doesn't read: more than any socket holds."""
STALL = 2.0
"""Seconds without progress after which a speaker gives up."""
QUIET = 0.5
"""Seconds in which what is heard at all is heard."""

Verdict = tuple[bool, str]
"""Whether the hub stood, and what was seen."""


def heard_by(sock: socket, quiet: float = QUIET) -> bytes:
    """Return what comes until nothing has come for `quiet` seconds."""
    sock.settimeout(quiet)
    heard = b""
    try:
        while data := sock.recv(SLICE):
            heard += data
    except TimeoutError:
        pass
    return heard


def silent_reader(running: Running) -> Verdict:
    """One peer does not read: the others must talk on."""
    speaker, hearer, silent = running.end(), running.end(), running.end()
    ending = running.relay.ending
    meet(speaker, [hearer, silent], ending)
    before = running.memory()
    block = (b"x" * 63 + ending) * 512
    speaker.setblocking(False)
    hearer.setblocking(False)
    said, last = 0, time.monotonic()
    while said < PUMPED and time.monotonic() - last < STALL:
        progress = _sent(speaker, block[said % len(block) :])
        said += progress
        if progress + _received(hearer):
            last = time.monotonic()
        else:
            time.sleep(0.001)
    grown = (running.memory() - before) / 2**20
    if time.monotonic() - last >= STALL:
        return False, f"nobody hears anything more, after {said / 2**20:.1f} MiB"
    return grown < 16, f"the others talk on, its memory grows by {grown:.0f} MiB"


def _sent(sock: socket, data: bytes) -> int:
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0


def _received(sock: socket) -> int:
    try:
        return len(sock.recv(SLICE))
    except BlockingIOError:
        return 0


def not_ascii(running: Running) -> Verdict:
    """A word is not ASCII: it must arrive as it was said."""
    speaker, hearer, label = _two(running)
    speaker.sendall("héllo".encode() + running.relay.ending)
    heard = heard_by(hearer).removeprefix(label).strip()
    return heard == "héllo".encode(), f"`héllo` arrives as `{heard.decode(errors='replace')}`"


def two_packets(running: Running) -> Verdict:
    """A line comes in two packets: it must be one line."""
    speaker, hearer, label = _two(running)
    speaker.sendall(b"he")
    time.sleep(QUIET / 2)
    speaker.sendall(b"llo" + running.relay.ending)
    heard = heard_by(hearer)
    return heard.strip() == label + b"hello", f"`he` + `llo` arrive as `{heard.strip().decode()}`"


def one_packet(running: Running) -> Verdict:
    """Two lines come in one packet: each must bear the name of who said it, or anyone speaks as anyone."""
    speaker, hearer, label = _two(running)
    speaker.sendall(b"one" + running.relay.ending + b"two" + running.relay.ending)
    lines = heard_by(hearer).split()
    named = lines.count(label.strip())
    return named == 2, f"{named} of 2 lines bear their speaker's name"


def web_page(running: Running) -> Verdict:
    """A web page posts to the port: nobody must hear of it."""
    hearer = running.end()
    meet(running.end(), [hearer], running.relay.ending)
    page = running.keep(create_connection((HOST, running.port)))
    page.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhi there\n")
    heard = heard_by(hearer).split(b"\n")
    relayed = [line for line in heard if b"HTTP/1.1" in line or b"hi there" in line]
    return not relayed, f"{len(relayed)} of its lines {'is' if len(relayed) == 1 else 'are'} heard by the others"


def _two(running: Running) -> tuple[socket, socket, bytes]:
    """Return a speaker, a hearer, and the label before what is heard."""
    speaker, hearer = running.end(), running.end()
    return speaker, hearer, meet(speaker, [hearer], running.relay.ending)


FAILURES: dict[str, Callable[[Running], Verdict]] = {
    "one peer never reads": silent_reader,
    "a word is not ASCII": not_ascii,
    "one line in two packets": two_packets,
    "two lines in one packet": one_packet,
    "a web page posts to the port": web_page,
}


def table() -> str:
    """Try everything; return a Markdown table."""
    hubs = [hub for hub in HUBS if hub.is_installed]
    rows = ["| | " + " | ".join(hub.name for hub in hubs) + " |", "|---" * (1 + len(hubs)) + "|"]
    for title, attempt in FAILURES.items():
        rows.append(f"| {title} | {' | '.join(_tried(hub, attempt) for hub in hubs)} |")
    return "\n".join(rows)


def _tried(hub: Relay, attempt: Callable[[Running], Verdict]) -> str:
    with Running(hub, "room") as running:
        try:
            stood, words = attempt(running)
        except (Damage, OSError) as fault:
            stood, words = False, str(fault)
    return f"{'stands' if stood else '**fails**'}: {words}"


if __name__ == "__main__":
    print(table())
