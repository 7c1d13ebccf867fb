"""A server's own certificate for 127.0.0.1, made by openssl; whoever trusts it does so explicitly."""

import ssl
import subprocess
from pathlib import Path

HOST = "127.0.0.1"


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """The server's side, and the certificate to put into SSL_CERT_FILE."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    named = ["-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *named], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate
