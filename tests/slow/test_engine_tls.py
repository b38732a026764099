"""An engine behind TLS: hubs that trust its certificate are one hub, and others say in one sentence why they don't."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from unittest import SkipTest

from tests.harness.cluster import Clustered
from tests.harness.processes import Hub, environment, free_port

CERTIFY = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
    "-keyout {0}.key -out {0}.pem"
)


class Encrypted(Clustered):
    """A Redis that takes encrypted connections only, with a certificate that it has signed itself."""

    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="cb")
        self.addCleanup(shutil.rmtree, folder)
        for name in ("ours", "another"):
            try:
                subprocess.run(CERTIFY.format(name).split(), cwd=folder, check=True, capture_output=True)
            except FileNotFoundError:
                raise SkipTest("openssl is not installed") from None
        self.trusted, self.other = Path(folder, "ours.pem"), Path(folder, "another.pem")
        self.port = free_port()
        options = {"bind": "127.0.0.1", "tls-port": f"{self.port}", "tls-auth-clients": "no"}
        files = {"tls-cert-file": f"{folder}/ours.pem", "tls-key-file": f"{folder}/ours.key"}
        files["tls-ca-cert-file"] = files["tls-cert-file"]
        self.engine_options = tuple(word for key, value in (options | files).items() for word in (f"--{key}", value))
        super().setUp()

    def hub_that_trusts(self, authority: Path, node: str, host: str = "localhost") -> Hub:
        """Return a hub that takes what `authority` vouches for."""
        url = f"rediss://{host}:{self.port}"
        hub = Hub("--engine", url, "--node", node, env=environment(SSL_CERT_FILE=f"{authority}"))
        self.addCleanup(hub.kill)
        return hub

    def test_two_hubs(self) -> None:
        """Two hubs that trust the engine's certificate are one: a pair over both talks."""
        one, other = (self.hub_that_trusts(self.trusted, node) for node in ("a", "b"))
        for hub in (one, other):
            hub.logs("engine: connected to localhost")
        self.pair(one, other)
        self.assertEqual(self.owner("tea"), "a")
        self.assertNotIn("can't be used", one.log + other.log)

    def test_an_authority_that_is_not_trusted(self) -> None:
        """A hub that doesn't trust who signed the certificate tells the engine nothing, and says why once, in one line."""
        self.refuses(self.hub_that_trusts(self.other, "a"), "localhost", "certificate verify failed")

    def test_a_name_that_is_not_in_the_certificate(self) -> None:
        """Neither does one whose URL has another name than the certificate."""
        hub = self.hub_that_trusts(self.trusted, "a", "127.0.0.1")
        self.refuses(hub, "127.0.0.1", "its certificate is for another name")

    def refuses(self, hub: Hub, host: str, why: str) -> None:
        """Refuse that a hub uses the engine, or logs more or less than why it doesn't."""
        hub.logs(f"engine: {host} can't be used, trying again: {why}\n")
        time.sleep(3)  # what is proved is that nothing more is logged, at whatever pace it is tried
        self.assertEqual(len([line for line in hub.log.splitlines() if line and "#info]" not in line]), 1)
        self.assertEqual(self.count("a"), 0)
