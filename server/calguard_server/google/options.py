"""Where Google is and who we are there: built at the edge, passed down."""

from dataclasses import dataclass
from datetime import timedelta

from calguard_server.domain.secret import Secret
from calguard_server.google.pacer import DEFAULT_QUOTAS, Quotas


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleOptions:
    """The OAuth client and Google's addresses.

    `redirect_uri` is used where a request names none. `certs_uri` answers PEM certificates by key id.
    `api_endpoint` ends in a slash and includes the service's path. `connect_timeout` is for one connection,
    `total_timeout` for one request with its answer. `answer_limit` is in bytes, after decompression.
    """

    client_id: str
    client_secret: Secret
    redirect_uri: str
    auth_uri: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    revoke_uri: str = "https://oauth2.googleapis.com/revoke"
    certs_uri: str = "https://www.googleapis.com/oauth2/v1/certs"
    api_endpoint: str = "https://www.googleapis.com/calendar/v3/"
    connect_timeout: timedelta = timedelta(seconds=5)
    total_timeout: timedelta = timedelta(seconds=15)
    quotas: Quotas = DEFAULT_QUOTAS
    answer_limit: int = 4 * 1024 * 1024
