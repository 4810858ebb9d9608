"""A certificate for the upstream behind TLS, which signs itself and counts as an authority, so that it can be trusted."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """Two PEM files. `file` is at once what a relay has to trust."""

    file: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    """A new one for 127.0.0.1. Raises RuntimeError without the openssl command."""
    if shutil.which("openssl") is None:
        raise RuntimeError("apt-get install openssl")
    made = Certificate(folder / "upstream.crt", folder / "upstream.key")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-days", "2", *curve, *name, "-out", str(made.file), "-keyout", str(made.key)]
    subprocess.run(command, check=True, capture_output=True)
    return made
