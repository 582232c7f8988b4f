"""The certificate of the SMTP server, for STARTTLS."""

import ssl
import tempfile
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from calguard_sandbox.keys import self_signed


@cache
def certificate_and_key(host: str) -> tuple[str, str]:
    """A self-made certificate for the host and `localhost`, and its key, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    names = [x509.IPAddress(ip_address(host)), x509.DNSName("localhost")]
    certificate = self_signed(key, "localhost", names)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def server_context(host: str) -> ssl.SSLContext:
    """The server's side of TLS; a client trusts it by loading the certificate as an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pair.pem")
        path.write_text("".join(certificate_and_key(host)), encoding="ascii")
        context.load_cert_chain(path)
    return context
