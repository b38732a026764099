"""A page in a real Chromium: what a person sees and types there, and all that the browser complains about.

Nothing here knows what is being proved.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from typing import Any
from unittest import SkipTest

from .ends import DEADLINE
from .processes import until

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Run the distribution's Chromium; skip where there is none, or no playwright to drive it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        raise SkipTest("no chromium here")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SkipTest("no playwright here: pip install playwright") from None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Tab:
    """One page, as the person before it sees it.

    Args:
        context: the browser's context that it is opened in.
        url: the room's address; empty: a page that is open already.
        page: that page.
    """

    def __init__(self, context: Any, url: str = "", page: Any = None) -> None:
        self.complaints: list[str] = []
        """What the browser's console has, and what its script has raised."""
        self.page = page or context.new_page()
        self.page.set_default_timeout(DEADLINE * 1000)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        if url:
            self.page.goto(url)

    def types(self, text: str) -> None:
        """Type a line, and press Enter."""
        self.page.fill("#line", text)
        self.page.press("#line", "Enter")

    @property
    def rows(self) -> list[str]:
        """The rows of the conversation, each as it reads, with the mark behind it."""
        rows = self.page.eval_on_selector_all("#log p", "rows => rows.map(row => row.innerText)")
        return [row.strip() for row in rows]

    def row(self, text: str) -> str:
        """Return the last row with `text` in it, or nothing."""
        return next((row for row in reversed(self.rows) if text in row), "")

    def state(self) -> str:
        """The state line."""
        return str(self.page.inner_text("#state"))

    def sees(self, text: str) -> None:
        """Wait until a row has `text` in it."""
        self.until(lambda: self.row(text))

    def meets(self) -> None:
        """Wait until somebody else is here."""
        self.until(lambda: self.page.inner_text("#company").startswith("with "))

    def takes_name(self, name: str) -> None:
        """Wait to be asked for a name, and take one."""
        self.until(lambda: self.state() == "choose a name")
        self.types(name)
        self.sees(f"you are now known as {name}")

    def until(self, met: Any) -> None:
        """Wait until `met` returns something true; the browser goes on meanwhile."""
        try:
            until(lambda: met() or self.page.wait_for_timeout(20))
        except AssertionError as fault:
            raise AssertionError(f"{fault}: {self.state()!r}, {self.rows[-12:]}, {self.complaints}") from None


class Relay:
    """A link between a browser and a hub that can be cut: a port of its own, and a thread for each direction.

    Args:
        to: the hub's port.
        port: its own; 0 takes a free one.
    """

    def __init__(self, to: int, port: int = 0) -> None:
        self._to = to
        self._links: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                try:
                    theirs = socket.create_connection(("127.0.0.1", self._to), DEADLINE)
                except OSError:
                    ours.close()
                    continue
                self._links += ours, theirs
                for one, other in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for link in (one, other):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Cut every link, at whatever byte it is."""
        links, self._links = self._links, []
        for link in links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def close(self) -> None:
        """Cut every link, and take no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # it wakes the thread that accepts
        self._listener.close()
        self.cut()
