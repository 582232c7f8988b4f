"""The settings: the only reader of the environment. docs/settings.md is generated from the descriptions here."""

import os
import re
import ssl
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import NoDecode

from calguard_server.domain.account import is_slack_id
from calguard_server.domain.follow_up import REMINDERS
from calguard_server.notifiers.envelope import sender
from calguard_server.notifiers.smtp_options import SmtpOptions
from calguard_server.secret_files import SUFFIX, exposed_secret_files, secret_names
from calguard_server.store_settings import PREFIX, KeySettings, read_model, split_list

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_LONGEST = timedelta(days=365)
_SHORTEST_KEPT = timedelta(days=1)  # what the operator is alerted of is told once a day
_REMINDERS_MAX = 20
_LONGEST_REQUEST = timedelta(minutes=1)  # several requests follow one another while an access token is still good
_LONGEST_CACHED = timedelta(minutes=5)  # of what calendars said, nobody here hears that it is otherwise by now
_OF_THE_CLIENT = {PREFIX + name for name in ("SERVER", "TOKEN", "TLS", "TLS_CA", "TLS_CLIENT_CERT", "TLS_CLIENT_KEY")}
_LONGEST_OVERLOAD = timedelta(seconds=4)  # a wait is measured up to 5 s
_PLAIN = re.compile(r"[!#-;=?-\[\]_a-z~]{1,500}")  # what an address may hold that stands between < and >
_LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_GROUP_WAIT_MAX = timedelta(hours=1)


def parse_duration(text: object) -> object:
    """Read `250ms`, `15s`, `10m`, `24h` or `3d`."""
    if not isinstance(text, str):
        return text
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a duration such as 250ms, 15s, 10m, 24h or 3d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def show_duration(duration: timedelta) -> str:
    """Write a duration as it is read."""
    milliseconds = duration // timedelta(milliseconds=1)
    for unit, seconds in reversed(_UNITS.items()):
        size = round(seconds * 1000)
        if milliseconds % size == 0 and milliseconds >= size:
            return f"{milliseconds // size}{unit}"
    return "0s"


def _check_address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:50051 (port 0: any that is free)")
    return text


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT can be reached from this machine only."""
    return address.rpartition(":")[0] in _LOOPBACK


def _check_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("expected a URL that begins with https:// or http://")
    return text


def _check_positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError("expected a duration longer than 0s")
    return duration


def _check_sane(duration: timedelta) -> timedelta:
    if duration > _LONGEST:
        raise ValueError(f"expected a duration of at most {show_duration(_LONGEST)}")
    return duration


def _check_request(duration: timedelta) -> timedelta:
    if duration > _LONGEST_REQUEST:
        raise ValueError(f"expected a duration of at most {show_duration(_LONGEST_REQUEST)}")
    return duration


def _check_cached(duration: timedelta) -> timedelta:
    if duration > _LONGEST_CACHED:
        raise ValueError(f"expected a duration of at most {show_duration(_LONGEST_CACHED)}")
    return duration


def _check_overload(duration: timedelta) -> timedelta:
    if duration > _LONGEST_OVERLOAD:
        raise ValueError(f"expected a duration of at most {show_duration(_LONGEST_OVERLOAD)}")
    return duration


def _check_kept(duration: timedelta) -> timedelta:
    if duration < _SHORTEST_KEPT:
        raise ValueError(f"expected a duration of at least {show_duration(_SHORTEST_KEPT)}")
    return duration


def _check_ascending(durations: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if any(later <= earlier for earlier, later in pairwise(durations)):
        raise ValueError("expected durations that grow, such as 1d,3d,7d")
    if len(durations) > _REMINDERS_MAX:
        raise ValueError(f"expected at most {_REMINDERS_MAX} durations")
    return durations


WaitDuration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(_check_sane)]
Duration = Annotated[WaitDuration, AfterValidator(_check_positive)]
KeepDuration = Annotated[WaitDuration, AfterValidator(_check_kept)]
OverloadDuration = Annotated[WaitDuration, AfterValidator(_check_overload)]
CacheDuration = Annotated[WaitDuration, AfterValidator(_check_cached)]
RequestDuration = Annotated[Duration, AfterValidator(_check_request)]
Reminders = Annotated[tuple[Duration, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_check_ascending)]


class Settings(KeySettings):
    """Every setting, read from `CALGUARD_<NAME>`, or where it is a secret, from the file `CALGUARD_<NAME>_FILE`."""

    auth_tokens_file: str = Field(
        "",
        description="The file of the tokens and certificates by which callers are known, and of their roles: see "
        "security.md. It is read again when it changes. Empty, and no AUTH_JWT_ISSUER: whoever can connect may call.",
    )
    auth_jwt_issuer: str = Field(
        "",
        description="Who issues the JWTs by which callers are known, besides those of AUTH_TOKENS_FILE: their `iss`. "
        "See security.md. Empty: nobody.",
    )
    auth_jwt_audience: str = Field(
        "", description="For whom JWTs have to be issued: what stands in their `aud`. Goes with AUTH_JWT_ISSUER."
    )
    auth_jwt_jwks: str = Field(
        "",
        validate_default=True,
        description="Where the keys are that sign JWTs, as a JSON Web Key Set: an https address, or a file, which is "
        "read again when it changes. Goes with AUTH_JWT_ISSUER.",
    )
    auth_jwt_leeway: CacheDuration = Field(
        timedelta(seconds=30), description="How far the clock of who issues JWTs may differ from ours; at most 5m."
    )
    auth_jwt_role_claim: str = Field(
        "calguard_role",
        min_length=1,
        description="The claim of JWTs that has the role, or a list: the highest role in it counts.",
    )
    auth_jwt_accounts_claim: str = Field(
        "",
        description='The claim of JWTs that lists the accounts that their callers are limited to; `"*"` is all. Each '
        "JWT must have it then. Empty: no JWT limits its caller.",
    )
    auth_allow_anonymous: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Lets LISTEN be reached by other machines without AUTH_TOKENS_FILE or AUTH_JWT_ISSUER, behind a "
        "proxy that authenticates callers.",
    )
    listen: str = Field(
        "127.0.0.1:50051",
        description="Where gRPC is served. Port 0 takes any that is free. Beyond loopback it takes "
        "AUTH_TOKENS_FILE, AUTH_JWT_ISSUER, or AUTH_ALLOW_ANONYMOUS.",
    )
    tls_cert: str = Field(
        "",
        description="The file of the certificate, in PEM, by which gRPC is served over TLS, and of those above it. It "
        "is read again when it changes. Empty: gRPC is served in plain text.",
    )
    tls_key: str = Field(
        "",
        validate_default=True,
        description="The file of its private key, in PEM, RSA or EC and without a passphrase; goes with TLS_CERT.",
    )
    tls_client_ca: str = Field(
        "",
        description="The file of the certificates, in PEM, of those who sign the certificates of callers; then none "
        "connects without one. It is read again when it changes. Empty: callers need no certificate.",
    )
    http_listen: str = Field(
        "127.0.0.1:8080",
        description="Where the OAuth callback, /healthz and /metrics are served, on loopback. Empty: nowhere.",
    )
    public_url: str = Field(
        "",
        description="The public address of HTTP_LISTEN, as a proxy serves it: `https://calguard.example.com`. E-mails "
        "that may be unsubscribed from name an address there. Empty: none does.",
    )
    google_client_id: str = Field("", description="The OAuth client's id. Without it no calendar can be linked.")
    google_client_secret: SecretStr = Field(
        SecretStr(""), validate_default=True, description="The OAuth client's secret; goes with GOOGLE_CLIENT_ID."
    )
    google_redirect_uri: str = Field(
        "",
        description="Where Google sends people back to: the public address of `/oauth/callback`, as registered at "
        "Google. Empty: `http://HTTP_LISTEN/oauth/callback`.",
    )
    google_auth_uri: str = Field("https://accounts.google.com/o/oauth2/v2/auth", description="Google's consent page.")
    google_token_uri: str = Field("https://oauth2.googleapis.com/token", description="Google's token endpoint.")
    google_revoke_uri: str = Field("https://oauth2.googleapis.com/revoke", description="Google's revocation endpoint.")
    google_certs_uri: str = Field(
        "https://www.googleapis.com/oauth2/v1/certs",
        description="Google's certificates for ID tokens, as PEM by key id.",
    )
    google_api_endpoint: str = Field(
        "https://www.googleapis.com/calendar/v3/", description="Google Calendar's API, with a trailing slash."
    )
    google_timeout: RequestDuration = Field(
        timedelta(seconds=15), description="How long a request to Google may take with its answer; at most 1m."
    )
    slack_base_url: str = Field("https://slack.com/api/", description="Slack's Web API, with a trailing slash.")
    slack_bot_token: SecretStr = Field(
        SecretStr(""), description="The bot token of the default Slack workspace. Empty: there is none."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The mail server: `smtp://user:password@host:port` (STARTTLS required; `?starttls=off` to do "
        "without), or `smtps://...`. Empty: nobody is told by e-mail.",
    )
    email_from: str = Field("Calguard <calguard@localhost>", description="The sender of e-mail.")
    webhook_allow_private_addresses: bool = Field(
        False,  # noqa: FBT003 - a default
        description="Lets webhooks go to private, loopback and link-local addresses, too: then whoever may write "
        "accounts may have this server call what only it can reach.",
    )
    webhook_ca_file: str = Field(
        "",
        description="A file of certificates in PEM that receivers of webhooks may have theirs from, besides those that "
        "the system trusts. Empty: none.",
    )
    relink_url: str = Field(
        "http://localhost:3000/calendar-links/{calendar_link_id}/reconnect",
        description="The address in notices, and on the callback page, at which a person reconnects a calendar; "
        "`{calendar_link_id}` and `{account_id}` are filled in.",
    )
    support_url: str = Field(
        "http://localhost:3000/support", description="The support (chat) address in notices and on the callback page."
    )
    appointment_url: str = Field(
        "http://localhost:3000/appointments/{appointment_id}",
        description="The address in notices at which a person gives an appointment to somebody else, or cancels it; "
        "`{appointment_id}` is filled in.",
    )
    assignment_window: Duration = Field(
        timedelta(days=30),
        description="For how long an assignment counts when AUTO_ASSIGN looks for who has the fewest appointments.",
    )
    check_interval: Duration = Field(timedelta(minutes=10), description="How often a healthy link is checked.")
    check_concurrency: int = Field(
        64,
        ge=2,
        le=1000,
        description="How many checks run at a time: half of them of links that fail just now, half of all others.",
    )
    availability_cache: CacheDuration = Field(
        timedelta(seconds=15),
        description="How long QueryAvailability may answer by what calendars said before; 0s: it asks each time."
        " AssignAppointment always asks.",
    )
    availability_timeout: RequestDuration = Field(
        timedelta(seconds=4),
        description="How long QueryAvailability, AssignAppointment and ReassignAppointment wait for calendars; those "
        "that have not answered by then are unknown. At most 1m; a caller's deadline that is sooner counts.",
    )
    google_quota: int = Field(
        10_000, ge=1, le=10_000_000, description="How many requests a minute Google Calendar is sent in all."
    )
    google_user_quota: int = Field(
        600, ge=1, le=10_000_000, description="How many requests a minute Google Calendar is sent for one link."
    )
    failure_threshold: int = Field(
        3, ge=1, le=100, description="How many checks in a row must fail before what may pass fails a link."
    )
    failure_after: WaitDuration = Field(
        timedelta(minutes=10), description="How long what may pass must have lasted before it fails a link."
    )
    retry_interval: Duration = Field(
        timedelta(seconds=15), description="How soon a failing link is checked again; doubles up to 5m."
    )
    incident_window: Duration = Field(
        timedelta(minutes=5), description="Within which time links that fail alike are taken together as an incident."
    )
    incident_accounts: int = Field(
        10, ge=2, le=1_000_000, description="How many unrelated accounts must fail alike at least for an incident."
    )
    incident_share: float = Field(
        0.05, gt=0, le=1, description="Which share of the links checked must fail alike at least for an incident."
    )
    incident_hold: WaitDuration = Field(
        timedelta(hours=24),
        description="How long an incident holds links at most that only people can mend. What passes by itself is held "
        "until it is over.",
    )
    notice_group_wait: WaitDuration = Field(
        timedelta(seconds=5), description="How long a notice waits for others to the same recipient."
    )
    reminders: Reminders = Field(
        REMINDERS,
        description="How long after a page stopped its owner and the accounts at fault are reminded that it still is. "
        "Empty: never. Incidents that are open keep the time of the next one.",
    )
    operator_email: str = Field("", description="Where alerts for the operator go by e-mail. Empty: nowhere.")
    operator_slack_channel: str = Field(
        "", description="The id of the Slack channel where alerts for the operator go. Empty: nowhere."
    )
    progress_interval: Duration = Field(
        timedelta(seconds=15), description="How long a watch may be silent before it is told that nothing happened."
    )
    watch_lifetime: Duration = Field(
        timedelta(minutes=30),
        description="How long a watch lasts at least; it ends by itself before twice that, so that watches spread over "
        "servers that came later.",
    )
    watch_streams: int = Field(10_000, ge=1, description="How many watches this server serves at once.")
    watch_streams_per_caller: int = Field(
        2_000,
        ge=1,
        description="How many watches one caller may have open: one name of AUTH_TOKENS_FILE, or one address "
        "without it.",
    )
    caller_rate: float = Field(
        2_000,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="How many calls a second one caller may make, in the long run: one name of AUTH_TOKENS_FILE, or "
        "one address without it. 0: as many as they like.",
    )
    caller_burst: int = Field(
        4_000, ge=1, le=1_000_000, description="How many calls one caller may make at once, above CALLER_RATE."
    )
    calls_max: int = Field(4_000, ge=1, description="How many calls this server has under way at a time, at most.")
    call_timeout: Duration = Field(
        timedelta(minutes=2), description="How long a call may take, whatever its caller's deadline. Watches last on."
    )
    overload_wait: OverloadDuration = Field(
        timedelta(milliseconds=50),
        description="How long calls may wait to be taken up before calls are refused, so that those served keep their "
        "latency; 0s: none are refused for that.",
    )
    watch_retention: Duration = Field(
        timedelta(hours=24),
        description="How long changes are kept for watches that resume; the latest 1000 are kept in any case.",
    )
    notice_retention: KeepDuration = Field(
        timedelta(days=90),
        description="How long notices and their attempts are kept in the ledger; those of open incidents are kept in "
        "any case. At least a day.",
    )
    drain_timeout: WaitDuration = Field(
        timedelta(seconds=10), description="How long calls may go on after SIGTERM before they are cancelled."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least level logged.")
    log_format: Literal["json", "console"] = Field("json", description="Logs as JSON lines, or for a terminal.")

    _urls = field_validator(
        "google_auth_uri",
        "google_token_uri",
        "google_revoke_uri",
        "google_certs_uri",
        "relink_url",
        "appointment_url",
        "support_url",
    )(_check_url)

    @field_validator("relink_url")
    @classmethod
    def _check_relink_url(cls, template: str) -> str:
        unknown = set(_PLACEHOLDER.findall(template)) - {"{calendar_link_id}", "{account_id}"}
        if unknown:
            raise ValueError(
                f"expected no other placeholder than {{calendar_link_id}} and {{account_id}}: {min(unknown)}"
            )
        return template

    @field_validator("operator_slack_channel")
    @classmethod
    def _check_operator_channel(cls, channel: str) -> str:
        if channel and not is_slack_id(channel):
            raise ValueError("expected a channel's id as Slack makes them, such as C024BE91L, and no name")
        return channel

    @field_validator("notice_group_wait")
    @classmethod
    def _check_group_wait(cls, wait: timedelta) -> timedelta:
        if wait > _GROUP_WAIT_MAX:
            raise ValueError("expected at most 1h: a notice is given up after 24h")
        return wait

    @field_validator("auth_allow_anonymous")
    @classmethod
    def _check_anonymous(cls, allowed: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic passes it
        if allowed and (info.data.get("auth_tokens_file") or info.data.get("auth_jwt_issuer")):
            raise ValueError(
                "expected either this, or AUTH_TOKENS_FILE and AUTH_JWT_ISSUER, which let in nobody who is not known"
            )
        return allowed

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, text: str, info: ValidationInfo) -> str:
        if not is_loopback(_check_address(text)) and not _decides_who_calls(info.data):
            raise ValueError(
                "expected a loopback address (127.0.0.1, localhost or [::1]), as callers are not authenticated: set "
                "CALGUARD_AUTH_TOKENS_FILE, or CALGUARD_AUTH_JWT_ISSUER, or CALGUARD_AUTH_ALLOW_ANONYMOUS=true behind "
                "a proxy that does it"
            )
        return text

    @field_validator("auth_jwt_jwks")
    @classmethod
    def _check_jwks(cls, place: str, info: ValidationInfo) -> str:
        given = [bool(info.data.get(name)) for name in ("auth_jwt_issuer", "auth_jwt_audience")]
        if len({bool(place), *given}) > 1:
            raise ValueError("expected AUTH_JWT_ISSUER, AUTH_JWT_AUDIENCE and AUTH_JWT_JWKS all, or none")
        parts = urlsplit(place)
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("expected https:// (http:// for loopback only), or the path of a file")
        if parts.scheme in ("http", "https") and (not parts.hostname or parts.username is not None):
            raise ValueError("expected https://HOST/PATH without a user, or the path of a file")
        return place

    @field_validator("tls_key")
    @classmethod
    def _check_tls_key(cls, path: str, info: ValidationInfo) -> str:
        if bool(path) != bool(info.data.get("tls_cert")):
            raise ValueError("expected TLS_CERT and TLS_KEY both, or neither")
        return path

    @field_validator("tls_client_ca")
    @classmethod
    def _check_client_ca(cls, path: str, info: ValidationInfo) -> str:
        if path and not info.data.get("tls_cert"):
            raise ValueError("expected TLS_CERT and TLS_KEY to be set, too: without TLS nobody shows a certificate")
        return path

    @field_validator("http_listen")
    @classmethod
    def _check_http_listen(cls, text: str) -> str:
        if text and not is_loopback(_check_address(text)):
            raise ValueError(
                "expected a loopback address (127.0.0.1, localhost or [::1]): what browsers reach of it, they reach "
                "through a proxy"
            )
        return text

    @field_validator("public_url")
    @classmethod
    def _check_public(cls, text: str, info: ValidationInfo) -> str:
        if not text:
            return text
        parts = urlsplit(text) if _PLAIN.fullmatch(text) else urlsplit("")
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not safe or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
            raise ValueError("expected https://HOST, perhaps with a port and a path (http:// for loopback only)")
        if not info.data.get("http_listen", text):
            raise ValueError("expected HTTP_LISTEN to be set, too: nothing is served there without it")
        return text.rstrip("/")

    @field_validator("google_redirect_uri")
    @classmethod
    def _check_redirect(cls, text: str) -> str:
        return _check_url(text) if text else text

    @field_validator("google_client_secret")
    @classmethod
    def _check_client(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        if bool(secret.get_secret_value()) != bool(info.data.get("google_client_id")):
            raise ValueError("expected GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET both, or neither")
        return secret

    @field_validator("google_api_endpoint", "slack_base_url")
    @classmethod
    def _check_base(cls, text: str) -> str:
        if not _check_url(text).endswith("/"):
            raise ValueError("expected a trailing slash")
        return text

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():
            SmtpOptions.parse(url.get_secret_value())
        return url

    @field_validator("webhook_ca_file")
    @classmethod
    def _check_ca_file(cls, path: str) -> str:
        if path:
            _check_certificates(path)
        return path

    @field_validator("email_from", "operator_email")
    @classmethod
    def _check_mailbox(cls, text: str) -> str:
        if text:
            sender(text)
        return text


def read_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - as many types as settings
    """Read the environment; `overrides` come before it. Raises SettingsError, which names each bad setting."""
    return read_model(Settings, overrides)


def unknown_settings() -> list[str]:
    """Name what the environment sets that is no setting of the server: most likely a slip of the pen."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _OF_THE_CLIENT
    known |= {name + SUFFIX for name in secret_names(Settings)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def exposed_files() -> list[tuple[str, str]]:
    """Name the settings, each with its file, whose secret every user of this machine may read."""
    return exposed_secret_files(Settings, os.environ)


def _decides_who_calls(given: dict[str, Any]) -> bool:
    """Whether it is settled who may call from other machines; what is bad about it is complained of by itself."""
    if "auth_allow_anonymous" not in given:
        return True
    known = given.get("auth_tokens_file") or given.get("auth_jwt_issuer")
    return bool(known or given["auth_allow_anonymous"])


def _check_certificates(path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # it is not there, may not be read, or holds no certificate
        raise ValueError("expected a file of certificates in PEM") from None
