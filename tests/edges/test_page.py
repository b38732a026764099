"""What a browser's request is answered: the page to who may have it, one sentence to everybody else."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from hashlib import sha256

from twisted.trial.unittest import SynchronousTestCase

from chatterbox.edges.page import Gate, Request, is_same, the_page
from tests.harness.browsers import HOST, HTML, UPGRADE, HubForBrowsers, reply_of, request


class Guards(SynchronousTestCase):
    """Each request is judged before anything else happens."""

    def setUp(self) -> None:
        self.hub = HubForBrowsers(names=("Chat.Example",))

    def status(self, path: str = "/", **headers: str) -> int:
        """Return the status of a request, and see that the hub keeps nothing of it."""
        reply = self.hub.get(path, **headers)
        self.assertEqual(
            (reply.headers["Connection"], reply.closed, self.hub.leftovers()), ("close", "done", []), reply
        )
        return reply.status

    def test_host(self) -> None:
        """An address, localhost and a name of --web-host: any other name is another page's, rebound to this address."""
        good = [
            HOST,
            "127.0.0.1",
            "localhost",
            "LocalHost:1",
            "[::1]:5000",
            "[fe80::1]",
            "192.168.1.7:80",
            "chat.example:1",
        ]
        bad = [
            "evil.example",
            "127.0.0.1.nip.io",
            "localhost.evil.example",
            "x@127.0.0.1",
            "",
            "[::1",
            "1:2:3",
            "1.2.3",
            "a b",
        ]
        self.assertEqual({host: self.status(host=host) for host in good}, dict.fromkeys(good, 200))
        self.assertEqual({host: self.status(host=host) for host in bad}, dict.fromkeys(bad, 421))
        self.assertEqual(self.status(host=None), 400)
        self.assertEqual(self.status(host="a", HOST="localhost"), 400)

    def test_origin(self) -> None:
        """A page of another host or port is refused, and so is one of none; the scheme may differ behind a proxy."""
        for origin, host, same in (
            ("http://127.0.0.1:5000", HOST, True),
            ("https://127.0.0.1:5000", HOST, True),
            ("https://chat.example", "Chat.Example", True),
            ("https://chat.example", "chat.example:443", True),
            ("https://chat.example:443", "chat.example", True),
            ("http://[::1]:5000", "[::1]:5000", True),
            ("http://127.0.0.1:5001", HOST, False),
            ("http://127.0.0.1", HOST, False),
            ("http://chat.example", "chat.example:443", False),
            ("http://evil.example:5000", HOST, False),
            ("http://127.0.0.1:5000@evil.example", HOST, False),
            ("http://127.0.0.1:5000.evil.example", HOST, False),
            ("file://127.0.0.1:5000", HOST, False),
            ("null", HOST, False),
            ("", HOST, False),
        ):
            self.assertEqual(is_same(origin, host), same, (origin, host))
            self.assertEqual(self.status(host=host, Origin=origin), 200 if same else 403, (origin, host))
        self.assertEqual(self.status(Origin="http://evil.example", **UPGRADE), 403)
        self.assertEqual(self.status(Origin="http://127.0.0.1:5000", ORIGIN="http://127.0.0.1:5000"), 400)

    def test_methods(self) -> None:
        """GET alone: what a page posts reaches nobody, also what stands behind its headers."""
        waiting = self.hub.nc("/join tea")
        for method in ("POST", "HEAD", "PUT", "OPTIONS", "CONNECT", "BREW"):
            reply = self.hub.get("/tea", method=method)
            self.assertEqual((reply.status, reply.headers["Allow"], reply.closed), (405, "GET", "done"), method)
        self.hub.asks(request("/tea", "POST", Content_Length="20") + b"/join tea\nhello you\n")
        self.hub.asks(request("/tea") + b"/join tea\nhello you\n" + request("/tea"))
        self.assertEqual(waiting.heard(), b"")

    def test_paths(self) -> None:
        """A room's name, with any query; there are no other files."""
        for path in ("/", "/tea", "/a.b_c-d", "/tea?x=/../", "/..", "/?"):
            self.assertEqual(self.status(path), 200, path)
        for path in ("/favicon.ico", "/a/b", "//", "/tea%20", "/<b>", "*", "http://127.0.0.1:5000/tea"):
            self.assertEqual(self.status(path), 404, path)

    def test_head(self) -> None:
        """8 KiB of head are answered; one byte more isn't waited for, and isn't read on."""
        for size, status in ((8192, 200), (8193, 431)):
            empty = len(request("/", X=""))
            self.assertEqual(self.status(X="x" * (size - empty)), status, size)
        end = self.hub.asks(request()[:-2] + b"X: " + b"x" * 9000)
        self.assertEqual((reply_of(end).status, end.closed), (431, "done"))

    def test_head_in_ten_seconds(self) -> None:
        """A head that crawls has ten seconds from its first line on, whatever comes meanwhile."""
        end = self.hub.asks(b"GET / HTTP/1.1\r\n")
        for _ in range(9):
            self.hub.wait(1)
            end.sends(b"X: y\r\n")
        self.hub.wait(0.9)
        self.assertEqual(end.closed, "")
        self.hub.wait(0.2)
        self.assertEqual((reply_of(end).status, end.closed, self.hub.leftovers()), (408, "done", []))

    def test_head_in_pieces(self) -> None:
        """A request that comes byte by byte is a request."""
        whole = request("/tea")
        end = self.hub.connects().sends(*(whole[at : at + 1] for at in range(len(whole))))
        self.assertEqual(reply_of(end).body, HTML)

    def test_no_http(self) -> None:
        """What begins as HTTP and goes on as something else is answered so."""
        for sent, status in (
            (b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n", 400),
            (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", 400),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            (b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", 505),
        ):
            end = self.hub.asks(sent)
            self.assertEqual((reply_of(end).status, end.closed), (status, "done"), sent)
        self.assertEqual(self.hub.leftovers(), [])

    def test_without_web_it_stays_refused(self) -> None:
        """A hub that wasn't asked for it has no page."""
        self.hub.factory._web = None
        end = self.hub.asks(request("/tea", **UPGRADE))
        self.assertEqual((reply_of(end).status, end.closed), (400, "done"))


class ThePage(SynchronousTestCase):
    """One file, in which nothing runs that isn't in it."""

    def setUp(self) -> None:
        self.hub = HubForBrowsers()

    def test_headers(self) -> None:
        """The policy allows the file's own script and style by their hashes, and a link to this hub; nothing else."""
        reply = self.hub.get("/tea")
        script, style = (f"'sha256-{b64encode(sha256(text).digest()).decode()}'" for text in (b"let a", b"p{}"))
        self.assertEqual((reply.body, reply.headers["Content-Length"]), (HTML, str(len(HTML))))
        self.assertEqual(
            reply.headers["Content-Security-Policy"],
            f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        wanted = {
            "Content-Type": "text/html; charset=utf-8",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-cache",
            "Connection": "close",
        }
        self.assertEqual(wanted, {name: reply.headers[name] for name in wanted})

    def test_etag(self) -> None:
        """A browser that has this version gets no second copy; another version is another tag."""
        tag = self.hub.get().headers["ETag"]
        for known in (tag, f'"x", {tag}', tag.removeprefix("W/")):
            reply = self.hub.get("/tea", If_None_Match=known)
            self.assertEqual((reply.status, reply.body, reply.headers["ETag"]), (304, b"", tag))
        self.assertEqual(self.hub.get(If_None_Match='"x"').status, 200)
        self.assertNotEqual(HubForBrowsers(html=HTML + b" ").get().headers["ETag"], tag)

    def test_gzip(self) -> None:
        """A browser that takes it gets the page in a third of its bytes; the hub compresses it once."""
        for accepts, zipped in (
            ("gzip, deflate, br", True),
            ("br;q=1.0, gzip;q=0.5", True),
            ("gzip;q=0", False),
            ("br", False),
        ):
            reply = self.hub.get("/tea", Accept_Encoding=accepts)
            self.assertEqual(reply.headers.get("Content-Encoding"), "gzip" if zipped else None, accepts)
            self.assertEqual(gzip.decompress(reply.body) if zipped else reply.body, HTML)
            self.assertEqual(reply.headers["Vary"], "Accept-Encoding")

    def test_the_file(self) -> None:
        """It has 24 KiB at most, is one script and one style, loads nothing, and never makes markup of text."""
        html = the_page().html
        text = html.decode()
        self.assertLessEqual(len(html), 24 * 1024)
        self.assertEqual((text.count("<script>"), text.count("<style>")), (1, 1))
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"):
            self.assertNotIn(word, text)
        self.assertEqual(re.findall(r"\s(?:src|href|style|on\w+)=", re.sub(r"(?s)<script>.*</script>", "", text)), [])


class Names(SynchronousTestCase):
    """The gate alone."""

    def test_names_are_matched_whole(self) -> None:
        """A name of --web-host lets in neither its parent nor its children."""
        gate = Gate(["chat.example"])
        for host, known in (
            ("chat.example", True),
            ("example", False),
            ("a.chat.example", False),
            ("chat.example.", False),
        ):
            asked = gate.judge("GET", "/", "HTTP/1.1", {"host": [host]})
            self.assertEqual(isinstance(asked, Request), known, host)
