"""Where e-mail is handed over, as one URL says it."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from calguard_server.domain.secret import Secret

EXPECTED = "expected smtp://user:password@host:port, smtps://user:password@host:port, or smtp://host:port?starttls=off"
_PORT_MAX = 65535


class Tls(StrEnum):
    """How the connection is kept secret."""

    STARTTLS = "STARTTLS"  # asked for after connecting; nothing is sent where it is not offered
    IMPLICIT = "IMPLICIT"  # from the first byte
    OFF = "OFF"  # in the clear, because the settings say so


_DEFAULT_PORTS = {Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.OFF: 25}


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """A mail server; without a user name there is no login."""

    host: str
    port: int
    tls: Tls
    username: str = ""
    password: Secret | None = None

    @classmethod
    def parse(cls, url: str) -> "SmtpOptions":
        """Read a URL; user name and password are percent-encoded in it.

        Raises ValueError that says what was expected, and never quotes the URL: a slip could show the password.
        """
        parts = _split(url)
        tls = _tls(parts)
        if parts.path not in ("", "/") or parts.fragment:
            raise _wrong("something follows the port; percent-encode the user name and the password")
        username, password = _login(parts)
        return cls(_host(parts), _port(parts) or _DEFAULT_PORTS[tls], tls, username, password)


def _wrong(what: str) -> ValueError:
    return ValueError(f"{what}; {EXPECTED}")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _wrong("not a URL") from None


def _tls(parts: SplitResult) -> Tls:
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    starttls = query.pop("starttls", None)
    if query or starttls not in (None, "on", "off"):
        raise _wrong("the query may hold starttls=off or starttls=on only")
    match parts.scheme, starttls:
        case "smtp", "off":
            return Tls.OFF
        case "smtp", _:
            return Tls.STARTTLS
        case "smtps", None:
            return Tls.IMPLICIT
        case "smtps", _:
            raise _wrong("smtps:// is TLS from the start and takes no starttls")
        case _:
            raise _wrong("the URL begins with neither smtp:// nor smtps://")


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host or not host.isprintable() or " " in host:
        raise _wrong("the host is missing or malformed")
    return host


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        raise _wrong(f"the port is not a number from 1 to {_PORT_MAX}") from None
    if port == 0:
        raise _wrong(f"the port is not a number from 1 to {_PORT_MAX}")
    return port


def _login(parts: SplitResult) -> tuple[str, Secret | None]:
    if parts.username is None and parts.password is None:
        return "", None
    if not parts.username or not parts.password:
        raise _wrong("a user name and a password go together")
    return unquote(parts.username), Secret(unquote(parts.password))
