"""Opening is how long a browser takes from its address to the first line that it hears, and what that consists of.

    python -m benchmarks.opening [PAGES]

It opens a room in a real Chromium, where somebody has said a line already, and prints the moments of the best of
several pages, in milliseconds after the navigation began; then the longest task of the browser while 1,000 lines a
second come. It knows the page from outside alone. It needs the distribution's Chromium, and playwright.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from tests.harness.pages_in_chromium import Tab, chromium
from tests.harness.processes import Hub

STEPS = ("page", "script", "socket", "welcome", "line")
"""The page has come; its script begins; its link is open; the hub has welcomed it; the line is drawn."""
SECONDS, RATE = 5, 1000
"""How long lines come, and how many a second."""

WATCH = """(() => {
    const marks = window.marks = {}, mark = name => { marks[name] ??= performance.now(); }, Plain = WebSocket;
    window.longest = 0;
    new PerformanceObserver(list => {
        for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
    }).observe({type: "longtask"});
    window.WebSocket = class extends Plain {
        constructor(...place) {
            super(...place);
            mark("script");
            this.addEventListener("open", () => mark("socket"));
            this.addEventListener("message", () => mark("welcome"));
        }
    };
    new MutationObserver(() => {
        const text = document.getElementById("log")?.textContent ?? "";
        if (text.includes("the first line")) requestAnimationFrame(() => mark("line"));
    }).observe(document, {childList: true, subtree: true});
})()"""
"""Notes each moment, before the page's own script runs."""


def open_page(browser: Any, hub: Hub, room: str) -> dict[str, float]:
    """Open `room`, in which a line waits; return its moments."""
    speaker = hub.program("nc", "the first line", room=room)
    context = browser.new_context()
    context.add_init_script(WATCH)
    tab = Tab(context, f"http://127.0.0.1:{hub.port}/{room}")
    tab.until(lambda: tab.page.evaluate("marks.line"))
    marks = tab.page.evaluate("({...marks, page: performance.getEntriesByType('navigation')[0].responseEnd})")
    speaker.close()
    context.close()
    return {step: float(marks[step]) for step in STEPS}


def longest_task(browser: Any, hub: Hub) -> float:
    """Return the longest task of a page, in milliseconds, while lines come at `RATE`."""
    speaker = hub.program("nc", room="rate")
    context = browser.new_context()
    context.add_init_script(WATCH)
    tab = Tab(context, f"http://127.0.0.1:{hub.port}/rate")
    tab.meets()
    tab.page.evaluate("longest = 0")
    began = time.monotonic()
    for number in range(SECONDS * 50):
        time.sleep(max(0.0, began + number / 50 - time.monotonic()))
        speaker.send(b"".join(b"line %d of a chat\n" % (number * RATE // 50 + at) for at in range(RATE // 50)))
    tab.sees(f"line {SECONDS * RATE - 1} ")
    longest = float(tab.page.evaluate("longest"))
    speaker.close()
    context.close()
    return longest


def main(pages: int) -> None:
    """Measure, and print."""
    with chromium() as browser, Hub("--web") as hub:
        best = min(
            (open_page(browser, hub, f"room-{number}") for number in range(pages)), key=lambda marks: marks["line"]
        )
        for step in STEPS:
            print(f"{step:8} {best[step]:6.0f} ms")
        print(f"{RATE} lines a second for {SECONDS} s: no task above {max(50.0, longest_task(browser, hub)):.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
