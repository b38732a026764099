"""The page is the one file that a browser gets from a hub, and the gate is the guards that each of its requests passes.

Both are pure: a request's words go in, an answer comes out. They know neither sockets nor WebSockets.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

CLOSE = {"Connection": "close"}
"""One request a connection: nothing that follows it is read (request smuggling needs a second one)."""
_PATH = re.compile(r"/(?P<room>[A-Za-z0-9._-]*)(?:\?.*)?")
_PLACE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:/@?#\s]+)(?::(?P<port>\d{1,5}))?")
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<place>[^/@?#\s]+)")
_PORTS = {"http": "80", "https": "443"}
_ROBOTS = "favicon.ico"


class Answer(NamedTuple):
    """What an HTTP request is answered."""

    status: HTTPStatus
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def serialize(self) -> bytes:
        """Return it as bytes."""
        headers = {"Content-Length": str(len(self.body)), **self.headers, **CLOSE}
        if self.status == HTTPStatus.NOT_MODIFIED:
            del headers["Content-Length"]
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def refusal(status: HTTPStatus, text: str) -> Answer:
    """Return an answer of one sentence."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return Answer(status, headers, text.encode() + b"\n")


class Request(NamedTuple):
    """A request that has passed the gate."""

    room: str
    """The room that its path names; empty: none."""
    etag: str = ""
    """The versions of the page that the browser has."""
    takes_gzip: bool = False


class Gate:
    """Judges requests by their first line and their headers.

    Args:
        names: the names, beside `localhost` and IP literals, under which browsers may reach this hub.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset({"localhost", *(name.casefold() for name in names)})

    def judge(self, method: str, path: str, version: str, headers: Mapping[str, list[str]]) -> Request | Answer:
        """Return what is asked for, or why nobody gets it; header names are in lower case, none: they can't be read."""
        if method != "GET":
            answer = refusal(HTTPStatus.METHOD_NOT_ALLOWED, "This hub answers GET alone.")
            return answer._replace(headers={**answer.headers, "Allow": "GET"})
        if version != "HTTP/1.1":
            return refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is needed (nginx: proxy_http_version 1.1).")
        hosts, origins = headers.get("host", []), headers.get("origin", [])
        if len(hosts) != 1 or len(origins) > 1:
            return refusal(HTTPStatus.BAD_REQUEST, "A request has one Host, one Origin at most, and no body.")
        if not self._knows(hosts[0]):
            return refusal(HTTPStatus.MISDIRECTED_REQUEST, "This hub has another name; see --web-host.")
        if origins and not is_same(origins[0], hosts[0]):
            return refusal(HTTPStatus.FORBIDDEN, "Only a page of this hub may speak to it.")
        found = _PATH.fullmatch(path)
        if not found or found["room"] == _ROBOTS:
            return refusal(HTTPStatus.NOT_FOUND, "There is nothing here. A room is at /NAME.")
        known, encodings = (", ".join(headers.get(name, [])) for name in ("if-none-match", "accept-encoding"))
        return Request(found["room"], known, bool(re.search(r"\bgzip\b(?!;q=0(?:\.0*)?(?:,|$))", encodings)))

    def _knows(self, host: str) -> bool:
        """A page that rebinds its own name to this machine's address comes with that name (DNS rebinding)."""
        place = _PLACE.fullmatch(host)
        if not place:
            return False
        name = place["host"].casefold()
        if name in self._names:
            return True
        try:
            ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


def is_same(origin: str, host: str) -> bool:
    """Return whether a page of `origin` was served by `host`; the scheme isn't compared: TLS may end at a proxy."""
    found, place = _ORIGIN.fullmatch(origin), _PLACE.fullmatch(host)
    if not found or not place:
        return False
    ours = _PLACE.fullmatch(found["place"])
    port = _PORTS[found["scheme"]]
    return bool(ours) and _place_of(ours, port) == _place_of(place, port)  # type: ignore[arg-type]  # it is a match


def _place_of(place: re.Match[str], port: str) -> tuple[str, str]:
    return place["host"].casefold(), place["port"] or port


class Page:
    """The file, with the headers that let a browser run what is in it and nothing else.

    Args:
        html: the whole file.
    """

    def __init__(self, html: bytes) -> None:
        self.html = html
        self.etag = f'"{sha256(html).hexdigest()[:32]}"'
        self._zipped = gzip.compress(html, mtime=0)
        policy = (
            f"default-src 'none'; script-src {_hashes(html, b'script')}; style-src {_hashes(html, b'style')}; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self.headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
            "ETag": f"W/{self.etag}",
        }

    def answer(self, request: Request) -> Answer:
        """Return the page, or that the browser's version is this one."""
        known = [tag.strip().removeprefix("W/") for tag in request.etag.split(",")]
        if self.etag in known:
            return Answer(HTTPStatus.NOT_MODIFIED, self.headers)
        if request.takes_gzip:
            return Answer(HTTPStatus.OK, {**self.headers, "Content-Encoding": "gzip"}, self._zipped)
        return Answer(HTTPStatus.OK, self.headers, self.html)


def _hashes(html: bytes, tag: bytes) -> str:
    """Return the sources that a policy allows: the hash of each element's text."""
    texts = re.findall(rb"<%s[^>]*>(.*?)</%s>" % (tag, tag), html, re.DOTALL)
    return " ".join(f"'sha256-{b64encode(sha256(text).digest()).decode()}'" for text in texts) or "'none'"


@cache
def the_page() -> Page:
    """Return the page that is packaged beside this file."""
    return Page(Path(__file__).with_name("chat.html").read_bytes())
