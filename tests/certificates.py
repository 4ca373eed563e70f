"""Certificates for 127.0.0.1 that live as long as a test."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """A certificate that is its own authority, and its key."""

    pem: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    folder.mkdir(exist_ok=True)
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=prueba"
    extensions = [
        "subjectAltName=IP:127.0.0.1,DNS:avisos.example.org",
        "keyUsage=critical,digitalSignature,keyCertSign",
    ]
    options = [option for extension in extensions for option in ("-addext", extension)]
    files = ["-keyout", str(made.key), "-out", str(made.pem)]
    subprocess.run([*command.split(), *options, *files], check=True, capture_output=True)
    return made
