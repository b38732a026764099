"""A certificate as a server shows it, made in memory: with names of hosts in it, or without any."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import crypto


def certificate(*names: x509.GeneralName) -> crypto.X509:
    """Return a certificate for `localhost` that names hosts besides, in its `subjectAltName`."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime(2026, 1, 1)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return crypto.X509.from_cryptography(builder.sign(key, SHA256()))
