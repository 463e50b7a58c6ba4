"""An authority of a test's own, and whom it vouches for, made by openssl as PEM files."""
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Files:
    certificate: Path
    key: Path


def _make(folder, name, *arguments):
    files = Files(folder / f"{name}.pem", folder / f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", f"/CN={name}",
                    "-keyout", files.key, "-out", files.certificate, *arguments],
                   check=True, capture_output=True)
    return files


class Authority:
    def __init__(self, folder, name="authority"):
        self._folder = folder
        self._own = _make(folder, name)
        self.file = self._own.certificate

    def certify(self, name, where="IP:127.0.0.1,DNS:localhost"):
        return _make(self._folder, name, "-CA", self._own.certificate, "-CAkey", self._own.key,
                     "-addext", f"subjectAltName={where}",
                     "-addext", "basicConstraints=critical,CA:FALSE")
