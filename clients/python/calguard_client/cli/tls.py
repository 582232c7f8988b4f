"""TLS on the command line: by whom the server is trusted, and the certificate by which it knows who calls."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import grpc

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_CA, _CERT, _KEY = "--tls-ca", "--tls-cert", "--tls-key"


def tls_options(command: Command) -> Command:
    """Give a command the options of TLS."""
    for option in (
        click.option(
            _KEY,
            metavar="FILE",
            type=_FILE,
            envvar="CALGUARD_TLS_CLIENT_KEY",
            show_envvar=True,
            help=f"The private key of {_CERT}, in PEM.",
        ),
        click.option(
            _CERT,
            metavar="FILE",
            type=_FILE,
            envvar="CALGUARD_TLS_CLIENT_CERT",
            show_envvar=True,
            help="The certificate to call with, in PEM.",
        ),
        click.option(
            _CA,
            metavar="FILE",
            type=_FILE,
            envvar="CALGUARD_TLS_CA",
            show_envvar=True,
            help="Connect over TLS, and trust what these certificates in PEM have signed, and nothing else.",
        ),
        click.option(
            "--tls",
            is_flag=True,
            envvar="CALGUARD_TLS",
            show_envvar=True,
            help="Connect over TLS, and trust the usual public authorities.",
        ),
    ):
        command = option(command)
    return command


def read_credentials(
    ca: Path | None, cert: Path | None, key: Path | None, *, wanted: bool
) -> grpc.ChannelCredentials | None:
    """Read what a connection is made with; None for plain text. Raises BadParameter, which names the option."""
    if (cert is None) != (key is None):
        raise click.BadParameter(f"expected {_CERT} and {_KEY} both, or neither", param_hint=_CERT if cert else _KEY)
    if ca is None and cert is None and not wanted:
        return None
    if ca is not None:
        _check_ca(ca)
    if cert is not None and key is not None:
        _check_pair(cert, key)
    return grpc.ssl_channel_credentials(
        root_certificates=ca.read_bytes() if ca else None,
        private_key=key.read_bytes() if key else None,
        certificate_chain=cert.read_bytes() if cert else None,
    )


def _check_ca(ca: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca)
    except OSError:
        raise click.BadParameter("expected certificates in PEM", param_hint=_CA) from None


def _check_pair(cert: Path, key: Path) -> None:
    """Refuse files that gRPC would complain of only when it connects, in words of its own."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password="")
    except OSError:
        expected = f"expected a certificate in PEM, and in {_KEY} the key of it, in PEM and without a passphrase"
        raise click.BadParameter(expected, param_hint=_CERT) from None
