"""How a sandbox is set up: one options object, made at the edge and passed down."""

import ipaddress
from dataclasses import dataclass

CLIENT_ID = "000000000000-sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-sandbox-client-secret"
SLACK_TOKEN = "xoxb-sandbox-bot-token"
SLACK_TEAM = "T0SANDBOX"


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Where to listen and what to ask of callers; port 0 takes any free one.

    `seed` fixes every id and token; without one they differ from run to run, so that a token kept from an
    earlier run is dead here. `smtp_user` and `smtp_password` go together. Raises ValueError for a host that
    is not a loopback address.
    """

    host: str = "127.0.0.1"
    google_port: int = 0
    slack_port: int = 0
    smtp_port: int = 0
    control_port: int = 0
    seed: str | None = None
    smtp_starttls: bool = False
    smtp_user: str | None = None
    smtp_password: str | None = None

    def __post_init__(self) -> None:
        require_loopback(self.host)
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("smtp_user and smtp_password go together")

    @property
    def url_host(self) -> str:
        """The host as a URL writes it: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host


def require_loopback(host: str) -> None:
    """Refuse a host that other machines could reach."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the sandbox listens on loopback only, for example 127.0.0.1 or ::1; not on {host!r}")
