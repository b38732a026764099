"""Options become limits, a mode, ports and a console; what can't be is refused in one sentence."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest import mock

import twisted.test
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from chatterbox import service
from chatterbox.core.modes import MODES
from chatterbox.limits import PUBLIC, Limits
from chatterbox.options import BACKLOG, Options, ServeOptions, endpoint_string
from chatterbox.service import SPARE_FILES, CannotStart, HubService
from tests.harness.processes import Hub
from twisted.plugins import chatterbox_plugin


def parsed(*words: str, kind: type[Options] = ServeOptions) -> Options:
    """Return the options as they are read from `words`."""
    options = kind()
    options.parseOptions(words)
    return options


class ReadingOptions(SynchronousTestCase):
    """What `twistd chatterbox` and `chatterbox serve` are told."""

    def test_the_plugin(self) -> None:
        """twistd finds the service under the name `chatterbox`."""
        maker = chatterbox_plugin.chatterbox
        self.assertEqual((maker.tapname, maker.module), ("chatterbox", "chatterbox.service"))
        self.assertIs(maker.options, Options)

    def test_defaults(self) -> None:
        """Without options: a pair's hub on port 5000, with the limits as they stand."""
        options = parsed()
        self.assertEqual(options["endpoints"], [f"tcp:5000:backlog={BACKLOG}"])
        self.assertEqual((options["row"], options["limits"]), (MODES["pair"], Limits()))

    def test_each_limit(self) -> None:
        """Each limit with an option is what the option says."""
        for option, field, value in (
            ("max-line", "max_line", 80),
            ("max-peers", "max_peers", 3),
            ("per-source", "per_source", 4),
            ("per-source-rate", "per_source_rate", 5),
            ("rate", "rate", 6),
        ):
            limits = parsed(f"--{option}", str(value))["limits"]
            self.assertEqual(limits, replace(Limits(), **{field: value}), option)

    def test_public(self) -> None:
        """`--public` turns on the limits by source and rate, and each can still be set."""
        self.assertEqual(parsed("--public")["limits"], Limits(per_source=16, per_source_rate=32, rate=10.0))
        limits = parsed("--public", "--per-source", "0", "--rate", "3")["limits"]
        self.assertEqual((limits.per_source, limits.per_source_rate, limits.rate), (0, 32, 3))

    def test_each_column(self) -> None:
        """Any column of a mode can be overridden by an option."""
        row = parsed(
            "--mode", "room", "--seats", "5", "--label", "port", "--no-echo", "--farewell", "bye", "--farewell", "Out",
            "--ends-together", "--once",
        )["row"]  # fmt: skip
        columns: dict[str, Any] = {"seats": 5, "label": "port", "echo": False, "farewell": ("/quit", "bye", "Out")}
        self.assertEqual(row, replace(MODES["room"], **columns, ends_together=True, once=True))

    def test_ports(self) -> None:
        """A port is a number or an endpoint string, may come several times, and `serve` takes it as a plain word."""
        options = parsed("--port", "unix:chat.sock", "-p", "tcp:1:backlog=2", "7000")
        backlog = f":backlog={BACKLOG}"
        self.assertEqual(set(options["endpoints"]), {f"tcp:7000{backlog}", "unix:chat.sock", "tcp:1:backlog=2"})
        self.assertEqual(endpoint_string("0"), f"tcp:0{backlog}")
        self.assertEqual(endpoint_string("65535"), f"tcp:65535{backlog}")

    def test_what_cannot_be(self) -> None:
        """Each wrong value is refused in a sentence that names it."""
        for words, named in (
            (["--port", "65536"], "65536"),
            (["--port", "x"], "port x is neither a number"),
            (["--mode", "party"], "--mode party is none of pair"),
            (["--label", "hat"], "--label hat is none of"),
            (["--seats", "-1"], "--seats -1 is no number from 0 up"),
            (["--seats", "two"], "--seats two is no number"),
            (["--max-line", "0"], "--max-line 0 is no number from 1 up"),
            (["--rate", "fast"], "--rate fast is no number"),
        ):
            fault = self.assertRaises(usage.UsageError, parsed, *words)
            self.assertIn(named, str(fault))

    def test_log_json_under_twistd(self) -> None:
        """twistd has its own way to choose a log, and `--log-json` says which."""
        fault = self.assertRaises(usage.UsageError, parsed, "--log-json", kind=Options)
        self.assertIn("--logger chatterbox.log.log_json", str(fault))


class Starting(SynchronousTestCase):
    """The service, on a reactor in memory."""

    def _started(self, *words: str) -> tuple[HubService, list[str]]:
        """Return a service that has opened its ports, and what it logged."""
        log: list[str] = []
        note = cast(ILogObserver, lambda event: log.append(formatEvent(event)))
        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        hub = HubService(MemoryReactorClock(), parsed(*words))
        hub.privilegedStartService()
        with mock.patch.object(service, "StandardIO"), mock.patch.object(service.signal, "signal"):
            hub.startService()
        return hub, log

    def test_only_clear_text_is_warned_of(self) -> None:
        """A port that other machines reach says that text travels in clear; TLS and unix sockets don't."""
        pem = Path(twisted.test.__file__).with_name("server.pem")
        for port, is_clear in (
            ("5000", True),
            ("tcp6:5000", True),
            (f"ssl:5000:privateKey={pem}", False),
            ("unix:chat.sock", False),
        ):
            _, log = self._started("--port", port)
            self.assertEqual(any("in clear" in line for line in log), is_clear, port)

    def test_a_unix_socket_is_named(self) -> None:
        """The log says where the hub listens, as one would type it."""
        _, log = self._started("--port", "unix:chat.sock", "--port", "5000")
        self.assertTrue({"listening on chat.sock", "listening on 0.0.0.0:5000"} <= set(log), log)

    def test_public_says_so(self) -> None:
        """`--public` says at the start which limits count; without it nothing is said."""
        _, log = self._started("--public", "--rate", "3")
        self.assertIn("public: per_source 16, per_source_rate 32, rate 3", log)
        self.assertFalse([line for line in self._started()[1] if "public" in line])

    def test_as_many_peers_as_open_files_leave(self) -> None:
        """The limit on open files is raised, and connections are as many as it leaves, but for `--max-peers`."""
        with mock.patch.object(service, "resource") as system:
            system.RLIMIT_NOFILE, system.getrlimit.return_value = resource.RLIMIT_NOFILE, (256, 1024)
            self.assertEqual(self._started()[0].hub.limits.max_peers, 1024 - SPARE_FILES)
            system.setrlimit.assert_called_once_with(resource.RLIMIT_NOFILE, (1024, 1024))
            system.setrlimit.side_effect = OSError
            self.assertEqual(self._started()[0].hub.limits.max_peers, 256 - SPARE_FILES)
            system.getrlimit.return_value = (10, 10)
            self.assertEqual(self._started()[0].hub.limits.max_peers, 1)
            self.assertEqual(self._started("--max-peers", "7")[0].hub.limits.max_peers, 7)

    def test_what_is_no_endpoint(self) -> None:
        """An endpoint string that Twisted refuses is one sentence, and no traceback."""
        for port in ("tpc:5000", "tcp:", "ssl:5000:privateKey=nowhere.pem"):
            fault = self.assertRaises(CannotStart, HubService, MemoryReactorClock(), parsed("--port", port))
            self.assertIn(f"--port {endpoint_string(port)} is no endpoint", str(fault))

    def test_tls_without_its_library(self) -> None:
        """It is named in one sentence."""
        with mock.patch("twisted.application.strports.service", side_effect=ImportError("OpenSSL")):
            fault = self.assertRaises(CannotStart, HubService, MemoryReactorClock(), parsed("--port", "ssl:5000"))
        self.assertIn("pip install 'chatterbox[tls]'", str(fault))

    def test_an_address_that_cannot_be_had(self) -> None:
        """What the system refuses is one sentence with the place and the reason."""
        for error, reason in (
            (CannotListenError("", 80, OSError(13, "Permission denied")), "can't listen on *:80: Permission denied"),
            (CannotListenError("::1", 80, OSError(98, "in use")), "can't listen on ::1:80: in use"),
            (CannotListenError("", "chat.sock", Exception("locked")), "can't listen on chat.sock: locked"),
            (OSError(36, "File name too long"), "File name too long"),
        ):
            hub = HubService(MemoryReactorClock(), parsed())
            with mock.patch.object(service.MultiService, "privilegedStartService", side_effect=error):
                fault = self.assertRaises(CannotStart, hub.privilegedStartService)
            self.assertIn(reason, str(fault))

    def test_stopping(self) -> None:
        """Stopping closes the ports, and is done when nobody is left."""
        hub, _ = self._started()
        self.successResultOf(hub.stopService())
        self.assertFalse(hub.admission.connections)


class Public(SynchronousTestCase):
    """A real hub with `--public`."""

    def test_says_so_and_slows(self) -> None:
        """It says so in its log, and 120 lines take the two seconds that the rate wants; none is lost."""
        with Hub("--public") as hub:
            limits = ", ".join(f"{key} {value:g}" for key, value in PUBLIC.items())
            self.assertIn(f"#info] public: {limits}\n", hub.log)
            ann, bob = hub.pair()
            lines = [f"line {number}" for number in range(120)]
            before = time.monotonic()
            bob.says(*lines)
            ann.hears(*lines)
            self.assertGreater(time.monotonic() - before, 1.5)
