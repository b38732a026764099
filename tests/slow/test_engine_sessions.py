"""The bundled client over two machines: terminals that go from room to room, and pipes that carry much."""

from __future__ import annotations

import contextlib
import tempfile

from tests.harness.cluster import Clustered
from tests.harness.ends import DEADLINE
from tests.harness.piped import client as piped
from tests.harness.processes import Hub, until
from tests.harness.terminals import Tty, client

SIZE = 4 * 1024 * 1024
"""Bytes each way: more than every window."""


class Sessions(Clustered):
    """Two hubs."""

    def setUp(self) -> None:
        super().setUp()
        self.east, self.west = self.hub("east"), self.hub("west")

    def test_who_goes_from_room_to_room(self) -> None:
        """`/join` to a room on the other machine, and back: each time both hear each other."""
        with contextlib.ExitStack() as stack:

            def sits(hub: Hub, room: str, name: str) -> Tty:
                tty = stack.enter_context(client(f"127.0.0.1:{hub.port}/{room}", "--name", name))
                until(lambda: self.owner(room))
                return tty

            ann = sits(self.east, "tea", "ann")
            there = {"tea": sits(self.east, "tea", "bob"), "milk": sits(self.west, "milk", "eve")}
            self.assertEqual((self.owner("tea"), self.owner("milk")), ("east", "west"))
            ann.until("bob")
            for at, room in enumerate(("milk", "tea", "milk", "tea")):
                ann.type(f"/join {room}\r")
                ann.until(lambda at=at: ann.text().count("now in") > at)  # type: ignore[misc]
                ann.type(f"hello {at}\r")
                there[room].until(f"ann: hello {at}")
                there[room].type(f"answer {at}\r")
                ann.until(f"answer {at}")
            self.assertNotIn("not delivered", ann.text())

    def test_much_each_way(self) -> None:
        """Two pipes at two machines each hear all of the other, and end with status 0."""
        said = [b"".join(b"%d %d\n" % (end, line) for line in range(SIZE // 10)) for end in range(2)]
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(4)]
            for file, block in zip(files, said):
                file.write(block)
                file.seek(0)
            ends = [
                stack.enter_context(
                    piped(f"127.0.0.1:{hub.port}/tea", "--name", name, stdin=files[end], stdout=files[2 + end])
                )
                for end, (hub, name) in enumerate(((self.east, "ann"), (self.west, "bob")))
            ]
            statuses = [process.wait(4 * DEADLINE) for process in ends]
            for file in files:
                file.seek(0)
            self.assertEqual(statuses, [0, 0])
            self.assertEqual([files[3].read() == said[0], files[2].read() == said[1]], [True, True])
