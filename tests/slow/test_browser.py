"""Browsers, nc and a hub that is killed: real ones, together. What a person sees is looked at, and nothing else."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import threading
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.harness.ends import End, Program
from tests.harness.pages_in_chromium import Relay, Tab, chromium
from tests.harness.processes import Hub


def hears(end: End, text: str) -> str:
    """Hear everything up to a line with `text` in it; return that line."""
    while text not in (line := end.line()):
        pass
    return line


def complaints_of(tab: Tab) -> list[str]:
    """Return what the browser complained of, but for links that were cut on purpose."""
    return [text for text in tab.complaints if not text.startswith("WebSocket connection to")]


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A page that has nothing to do with any hub."""

    def do_GET(self) -> None:
        """Answer with an empty page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


CONTRAST = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const value = colour => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const row = log.appendChild(document.createElement("p")), look = element => value(getComputedStyle(element).color);
    const ground = value(getComputedStyle(document.documentElement).backgroundColor), found = [look(row), look(state), look(company)];
    row.className = "notice"; found.push(look(row));
    const who = row.appendChild(document.createElement("b"));
    for (let hue = 0; hue < 360; hue++) { who.style.setProperty("--hue", hue); found.push(look(who)); }
    const mark = row.appendChild(document.createElement("i"));
    mark.className = "bad"; found.push(look(mark));
    row.remove();
    return Math.min(...found.map(v => (Math.max(v, ground) + .05) / (Math.min(v, ground) + .05)));
}"""


class Browsers(SynchronousTestCase):
    """One Chromium and two hubs for all tests; each test has a room and browsers' contexts of its own."""

    @classmethod
    def setUpClass(cls) -> None:
        """Start them, once."""
        cls._stack = contextlib.ExitStack()
        cls.chromium = cls._stack.enter_context(chromium())
        cls.pairs = cls._stack.enter_context(Hub("--web"))
        cls.rooms = cls._stack.enter_context(Hub("--web", "--mode", "room"))

    @classmethod
    def tearDownClass(cls) -> None:
        """End them."""
        cls._stack.close()

    @property
    def room(self) -> str:
        """This test's own room."""
        return self._testMethodName.removeprefix("test_")

    def tab(self, port: int, **options: Any) -> Tab:
        """Return a page in a browser of its own, which must not complain of anything by the end of the test."""
        context = self.chromium.new_context(**options)
        self.addCleanup(context.close)
        tab = Tab(context, f"http://127.0.0.1:{port}/{self.room}")
        self.addCleanup(lambda: self.assertEqual(complaints_of(tab), []))
        return tab

    def nc(self, hub: Hub, *lines: str) -> Program:
        """Return an nc in this test's room."""
        return hub.program("nc", *lines, room=self.room)

    # -- two pages and an nc in one room ---------------------------------------------------------------------------

    def test_talk(self) -> None:
        """Each sees who is here and what is said, whole and in order; a line's mark says that all have it."""
        hub = self.rooms
        ann, bob = self.tab(hub.port), self.tab(hub.port)
        ann.takes_name("ann")
        bob.until(lambda: bob.state() == "choose a name")
        bob.types("Ann")
        bob.sees("the name Ann is taken")
        bob.takes_name("bob")
        nc = self.nc(hub, "/nick cy")
        ann.sees("cy joined")
        self.assertEqual(ann.page.inner_text("#company"), "with bob, cy")
        ann.types("hello both")
        ann.until(lambda: ann.row("hello both") == "ann: hello both ✓")
        hears(nc, "ann: hello both")
        bob.types("/me waves")
        hears(nc, "* bob waves")
        nc.send(b"one\ntwo\n")
        for tab in (ann, bob):
            tab.sees("cy: two")
            self.assertEqual([row for row in tab.rows if row.startswith("cy:")], ["cy: one", "cy: two"])
        bob.types("/msg ann psst")
        ann.sees("bob tells you: psst")
        bob.types("/quiit")
        bob.sees("unknown command /quiit: did you mean /quit? To send it as text: //quiit")
        bob.types("/time")
        bob.until(lambda: re.fullmatch(r"\d\d:\d\d cy: two", bob.row("cy: two")))
        nc.close()
        bob.sees("cy left")

    def test_a_hostile_line_does_nothing(self) -> None:
        """Markup, escape sequences and turned directions are text, or gone: no image, no script, no style."""
        hub = self.pairs
        ann, nc = self.tab(hub.port), self.nc(hub)
        ann.meets()
        hostile = "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script> \x1b[31m\u202egnp &amp; ${1}"
        nc.send(f"{hostile}\n/nick a<b>\n/nick Bob\nend\n".encode())
        ann.sees("end")
        self.assertIn(
            "<img src=x onerror=document.title='pwned'><script>document.title='pwned'</script> [31mgnp &amp; ${1}",
            ann.row("<img"),
        )
        self.assertEqual(ann.page.locator("#log img, #log script").count(), 0)
        self.assertNotIn("pwned", ann.page.title())

    def test_right_to_left(self) -> None:
        """A line in a script that runs from right to left has that direction, its sender's name not."""
        hub = self.pairs
        ann, nc = self.tab(hub.port), self.nc(hub)
        ann.meets()
        nc.send("שלום עולם\n漢字 👩‍👩‍👧\n".encode())
        ann.sees("漢字 👩‍👩‍👧")
        direction = "span => getComputedStyle(span).direction"
        self.assertEqual(ann.page.eval_on_selector("#log p:nth-last-child(2) span", direction), "rtl")
        self.assertEqual(ann.page.eval_on_selector("#log p:nth-last-child(1) span", direction), "ltr")

    def test_unread(self) -> None:
        """A page that isn't looked at counts its lines in the title, and says so if its person is called."""
        hub = self.rooms
        ann = self.tab(hub.port)
        ann.takes_name("ann")
        ann.page.evaluate("document.hasFocus = () => false")
        nc = self.nc(hub, "/nick cy")
        nc.send(b"one\ntwo\n")
        ann.until(lambda: ann.page.title() == f"(2) {self.room}")
        nc.send(b"and you, Ann?\nannual\n")
        ann.until(lambda: ann.page.title() == f"(4!) {self.room}")
        ann.page.evaluate("document.hasFocus = () => true; window.dispatchEvent(new Event('focus'))")
        ann.until(lambda: ann.page.title() == self.room)

    def test_c16_ignored(self) -> None:
        """C16: who is ignored stays so under another name."""
        ann, nc = self.tab(self.pairs.port), self.nc(self.pairs, "/nick jose\u0301")
        ann.types("/ignore JOSÉ")
        nc.send(b"/nick joe\nunheard\n/nick bo\n")
        ann.sees("now known as bo")
        self.assertNotIn("unheard", "".join(ann.rows))

    # -- whatever becomes of the link and of the hub, nothing is lost or seen twice --------------------------------

    def test_the_hub_is_killed_and_restarted(self) -> None:
        """Lines said before, during and after are seen once, in order; what is typed meanwhile stays."""
        hub = Hub("--web")
        self.addCleanup(hub.__exit__)
        ann, bob = self.tab(hub.port), self.tab(hub.port)
        bob.meets()
        ann.types("one")
        ann.until(lambda: ann.row("one").endswith("✓"))
        hub.kill()
        ann.until(lambda: "link lost" in ann.state())
        ann.types("two")
        bob.types("from bob")
        self.assertTrue(ann.row("two").endswith("…"))
        ann.page.fill("#line", "half a li")
        self.addCleanup(Hub("--web", port=hub.port).__exit__)
        for tab in (ann, bob):
            tab.until(lambda tab=tab: tab.state() == "connected")
        ann.until(lambda: ann.row("two").endswith("✓"))
        ann.sees("from bob")
        ann.types("three")
        bob.sees("three")
        said = [row.split(": ", 1)[1] for row in bob.rows if ": " in row and not row.startswith("link lost")]
        self.assertEqual(said, ["one", "from bob ✓", "two", "three"])
        self.assertEqual(len([row for row in ann.rows if "from bob" in row]), 1)

    def test_a_cut_link(self) -> None:
        """Fifty lines over a link that is cut ten times arrive once each, in order."""
        hub = self.pairs
        relay = Relay(hub.port)
        self.addCleanup(relay.close)
        ann, bob = self.tab(relay.port), self.tab(hub.port)
        bob.meets()
        for number in range(50):
            ann.types(f"line {number}")
            if number % 5 == 2:
                relay.cut()
        bob.sees("line 49")
        ann.until(lambda: ann.row("line 49").endswith("✓"))
        said = [row.split(": ")[1] for row in bob.rows if ": line" in row]
        self.assertEqual(said, [f"line {number}" for number in range(50)])

    def test_a_reload_resumes(self) -> None:
        """It is the same end with the same name: its lines are marked, what was said meanwhile comes, nothing twice."""
        hub = self.rooms
        relay = Relay(hub.port)
        self.addCleanup(relay.close)
        ann, nc = self.tab(relay.port), self.nc(hub, "/nick cy")
        ann.takes_name("ann")
        hears(nc, "you are cy")
        nc.send(b"before\n")
        ann.sees("cy: before")
        relay.close()
        ann.until(lambda: "link lost" in ann.state())
        hears(nc, "ann is away")
        nc.send(b"meanwhile\n")
        ann.types("said without a link")
        ann.page.fill("#line", "half a li")
        self.addCleanup(Relay(hub.port, relay.port).close)
        ann.page.reload()
        ann.sees("meanwhile")
        hears(nc, "ann: said without a link")
        ann.until(lambda: ann.row("said without").endswith("✓"))
        self.assertEqual([row for row in ann.rows if row.startswith("cy:")], ["cy: before", "cy: meanwhile"])
        self.assertEqual(ann.page.input_value("#line"), "half a li")

    def test_a_duplicated_tab_is_somebody_else(self) -> None:
        """A second tab of the same browser, also one that was opened by the first, has a name and a seat of its own."""
        hub = self.rooms
        ann = self.tab(hub.port)
        ann.takes_name("ann")
        with ann.page.context.expect_page() as opened:
            ann.page.evaluate("window.open(location.href)")
        other = Tab(None, page=opened.value)
        other.sees(f"you are guest-2 in {self.room}, with ann")
        self.assertEqual(ann.state(), "connected")

    def test_it_leaves(self) -> None:
        """/quit leaves for good: the others hear it, the page says so, and Enter joins as somebody new."""
        hub = self.pairs
        ann, nc = self.tab(hub.port), self.nc(hub)
        ann.meets()
        ann.types("/quit")
        hears(nc, "left (quit)")
        ann.until(lambda: "you have left" in ann.state())
        ann.types("")
        ann.until(lambda: ann.state() == "connected")

    def test_a_farewell_word(self) -> None:
        """A mode's own word leaves, also where nobody is there to whom it could be said."""
        hub = Hub("--web", "--mode", "ports")
        self.addCleanup(hub.__exit__)
        ann = self.tab(hub.port)
        ann.sees("you are")
        ann.types("exit")
        ann.until(lambda: "Enter joins again" in ann.state())

    # -- what a page may not do, and what one bears ----------------------------------------------------------------

    def test_a_page_of_another_origin(self) -> None:
        """It can open no link to this hub, and can't read its page; the room hears nothing of it."""
        hub = self.pairs
        nc = self.nc(hub)
        other = http.server.HTTPServer(("127.0.0.1", 0), Elsewhere)
        threading.Thread(target=other.serve_forever, daemon=True).start()
        self.addCleanup(other.server_close)
        self.addCleanup(other.shutdown)
        context = self.chromium.new_context()
        self.addCleanup(context.close)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{other.server_address[1]}/")
        url = json.dumps(f"ws://127.0.0.1:{hub.port}/{self.room}")
        code = page.evaluate(f"new Promise(done => {{ new WebSocket({url}).onclose = e => done(e.code); }})")
        self.assertEqual(code, 1006)
        posted = f"fetch({url.replace('ws:', 'http:')}, {{method: 'POST', mode: 'no-cors', body: '/join {self.room}\\nevil\\n'}}).then(() => 'sent')"
        self.assertEqual(page.evaluate(posted), "sent")
        nc.send(b"/who\n")
        self.assertEqual(hears(nc, "here:"), "-!- here: guest-1")

    def test_the_first_line(self) -> None:
        """It is heard after the page and its link, with one object sent: nothing else is loaded, and no timer is waited for."""
        hub = self.pairs
        self.nc(hub, "the first line")
        context = self.chromium.new_context()
        self.addCleanup(context.close)
        context.add_init_script("window.setTimeout = window.setInterval = () => 0")
        tab, asked, frames = Tab(context), list[str](), list[str]()
        tab.page.on("request", lambda request: asked.append(request.resource_type))
        tab.page.on("websocket", lambda link: link.on("framesent", lambda data: frames.append(f"> {data}")))
        tab.page.on("websocket", lambda link: link.on("framereceived", lambda data: frames.append(f"< {data}")))
        tab.page.goto(f"http://127.0.0.1:{hub.port}/{self.room}")
        tab.sees("the first line")
        heard = next(at for at, frame in enumerate(frames) if "the first line" in frame)
        self.assertEqual((asked, [frame[0] for frame in frames[: heard + 1]].count(">")), (["document"], 1), frames)
        self.assertIn('"event": "welcome"', frames[1])

    def test_ten_thousand_lines(self) -> None:
        """They don't freeze it: it paints and takes keys meanwhile; old rows go, and the page says so."""
        hub = self.pairs
        ann, nc = self.tab(hub.port), self.nc(hub)
        ann.meets()
        ann.page.evaluate("""() => {
            window.seen = new Set();
            const look = () => { seen.add(log.lastChild.innerText); requestAnimationFrame(look); };
            requestAnimationFrame(look);
        }""")
        ann.page.focus("#line")
        for start in range(0, 10_000, 1000):
            nc.send(b"".join(b"line %d\n" % number for number in range(start, start + 1000)))
            ann.page.keyboard.press("x")
        ann.sees("line 9999")
        rows = ann.rows
        self.assertLessEqual(len(rows), 2001)
        self.assertRegex(rows[0], r"^(-!- )?80\d\d older lines are no longer here$")
        self.assertEqual(rows[-1].rsplit(": ")[-1], "line 9999")
        self.assertEqual(ann.page.input_value("#line"), "x" * 10)
        self.assertGreater(ann.page.evaluate("seen.size"), 1)  # how often depends on how busy the machine is

    def test_scrolling(self) -> None:
        """Who reads older lines stays there, and is told of new ones; at the end, the page follows."""
        hub = self.pairs
        ann, nc = self.tab(hub.port, viewport={"width": 390, "height": 500}), self.nc(hub)
        ann.meets()
        nc.send(b"".join(b"line %d\n" % number for number in range(200)))
        ann.sees("line 199")
        end = "log.scrollHeight - log.scrollTop - log.clientHeight"
        ann.until(lambda: ann.page.evaluate(end) < 2)
        ann.page.evaluate("log.scrollTop = 50")
        ann.page.wait_for_timeout(100)
        nc.send(b"news\n")
        ann.until(lambda: ann.page.is_visible("#newer"))
        self.assertEqual(ann.page.evaluate("log.scrollTop"), 50)
        ann.page.click("#newer")
        ann.until(lambda: ann.page.evaluate(end) < 2)
        self.assertFalse(ann.page.is_visible("#newer"))

    def test_a_paste_of_several_lines(self) -> None:
        """It is asked about before anything leaves, and answered by keys alone: send all, join, drop."""
        hub = self.pairs
        ann = self.tab(hub.port)
        ann.sees("you are")
        nc = self.nc(hub)
        ann.meets()
        paste = """text => { const data = new DataTransfer(); data.setData("text", text);
            line.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, cancelable: true, bubbles: true})); }"""
        for key, heard in (("s", ["one", "/two", "three"]), ("Escape", []), ("j", ["one /two three"])):
            ann.page.focus("#line")
            ann.page.evaluate(paste, "one\r\n/two\nthree\n")
            self.assertIn("Paste of 3 lines", ann.page.inner_text("#question"))
            ann.page.keyboard.press(key)
            ann.until(lambda: not ann.page.is_visible("#question"))
            if key == "j":
                self.assertEqual(ann.page.input_value("#line"), "one /two three")
                ann.page.press("#line", "Enter")
            self.assertEqual([nc.line() for _ in heard], heard)

    def test_accessible(self) -> None:
        """Roles and names are there for who doesn't see the page, and all of it is reached by keys."""
        hub = self.pairs
        ann = self.tab(hub.port)
        ann.sees("you are")
        page = ann.page
        self.assertEqual(page.get_by_role("log", name="Conversation").count(), 1)
        self.assertEqual(page.get_by_role("status").inner_text(), "connected")
        self.assertEqual(page.get_by_role("textbox", name="guest-1").get_attribute("enterkeyhint"), "send")
        self.assertEqual(page.evaluate("document.activeElement.id"), "line")
        page.keyboard.press("Shift+Tab")
        self.assertEqual(page.evaluate("document.activeElement.id"), "log")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            self.assertGreater(page.evaluate(CONTRAST), 4.5, scheme)

    def test_a_phone_of_320_pixels_and_a_room_with_a_long_name(self) -> None:
        """The narrowest phone needs no scrolling sideways, also with a word that is longer than its screen."""
        hub = self.pairs
        ann, nc = self.tab(hub.port, viewport={"width": 320, "height": 480}), self.nc(hub)
        ann.meets()
        nc.send(b"x" * 300 + b"\n")
        ann.sees("xxx")
        self.assertEqual(ann.page.evaluate("document.documentElement.scrollWidth"), 320)
        self.assertGreaterEqual(ann.page.evaluate("parseFloat(getComputedStyle(line).fontSize)"), 16)
