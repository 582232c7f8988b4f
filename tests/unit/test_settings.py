"""The settings: what is read, what is refused, and that no secret is shown."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from calguard_server.settings.durations import parse_duration, show_duration
from calguard_server.settings.server import Settings, read_settings
from calguard_server.store_settings import SettingsError

KEY = f"{'A' * 43}="


def read(**overrides: object) -> Settings:
    return read_settings(**({"token_keys": KEY} | overrides))


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("15s", timedelta(seconds=15)),
        ("10m", timedelta(minutes=10)),
        ("24h", timedelta(hours=24)),
        ("3d", timedelta(days=3)),
    ],
)
def test_durations_are_read(text: str, duration: timedelta) -> None:
    """Each unit of the documentation."""
    assert parse_duration(text) == duration


@given(st.integers(1, 10**9).map(lambda number: timedelta(milliseconds=number)))
def test_a_duration_is_written_as_it_is_read(duration: timedelta) -> None:
    """The page of settings shows defaults that can be pasted."""
    assert parse_duration(show_duration(duration)) == duration


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("listen", "50051", "expected HOST:PORT"),
        ("listen", "0.0.0.0:50051", "expected a loopback address"),
        ("listen", "127.0.0.1:99999", "expected HOST:PORT"),
        ("listen", "0.0.0.0:50051", "CALGUARD_AUTH_TOKENS_FILE"),
        ("listen", "[::]:50051", "CALGUARD_AUTH_ALLOW_ANONYMOUS=true"),
        ("auth_jwt_jwks", "/keys.json", "expected AUTH_JWT_ISSUER, AUTH_JWT_AUDIENCE and AUTH_JWT_JWKS all, or none"),
        ("auth_jwt_leeway", "6m", "at most 5m"),
        ("auth_jwt_role_claim", "", "at least 1 character"),
        ("tls_key", "/server.key", "expected TLS_CERT and TLS_KEY both, or neither"),
        ("tls_client_ca", "/ca.pem", "expected TLS_CERT and TLS_KEY to be set, too"),
        ("http_listen", "0.0.0.0:8080", "expected a loopback address"),
        ("auth_allow_anonymous", "perhaps", "valid boolean"),
        ("http_listen", "nowhere", "expected HOST:PORT"),
        ("database_url", "postgres://x/y", "expected sqlite:///"),
        ("database_url", "sqlite:///", "expected sqlite:///"),
        ("relink_url", "https://booking.example/{who}", "expected no other placeholder than"),
        ("operator_slack_channel", "#ops", "expected a channel's id as Slack makes them"),
        ("notice_group_wait", "2h", "expected at most 1h"),
        ("token_keys", "", "expected at least one key"),
        ("token_keys", "short", "expected 32 bytes in URL-safe base64"),
        ("token_keys", f"{KEY}junk", "expected 32 bytes in URL-safe base64"),
        ("token_keys", f"{KEY} {KEY}", "several with commas between"),
        ("token_keys", f"{KEY}\n{KEY}", "several with commas between"),
        ("google_api_endpoint", "https://x.test/calendar", "expected a trailing slash"),
        ("google_token_uri", "ftp://x", "expected a URL"),
        ("relink_url", "javascript:alert(1)", "expected a URL"),
        ("public_url", "http://calguard.example.com", "expected https://HOST"),
        ("public_url", "https://", "expected https://HOST"),
        ("public_url", "https://calguard.example.com?a=1", "expected https://HOST"),
        ("public_url", "https://calguard.example.com/#a", "expected https://HOST"),
        ("public_url", "https://ann@calguard.example.com", "expected https://HOST"),
        ("public_url", "https://calguard.example.com/>\r\nBcc: x", "expected https://HOST"),
        ("check_interval", "10", "expected a duration such as"),
        ("check_interval", "0s", "longer than 0s"),
        ("availability_cache", "6m", "at most 5m"),
        ("check_interval", "9999999d", "at most 365d"),
        ("failure_after", "366d", "at most 365d"),
        ("google_timeout", "0s", "longer than 0s"),
        ("google_timeout", "61s", "at most 1m"),
        ("availability_timeout", "0s", "longer than 0s"),
        ("availability_timeout", "61s", "at most 1m"),
        ("notice_retention", "23h", "at least 1d"),
        ("webhook_ca_file", "/nowhere/ca.pem", "expected a file of certificates in PEM"),
        ("webhook_ca_file", __file__, "expected a file of certificates in PEM"),
        ("webhook_allow_private_addresses", "perhaps", "valid boolean"),
        ("reminders", "3d,1d", "durations that grow"),
        ("reminders", "1d,soon", "expected a duration such as"),
        ("reminders", ",".join(f"{day}d" for day in range(1, 22)), "at most 20"),
        ("google_client_secret", "alone", "both, or neither"),
        ("check_concurrency", "1", "greater than or equal to 2"),
        ("failure_threshold", "many", "valid integer"),
        ("log_level", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_bad_setting_is_named_with_what_was_expected(name: str, value: str, expected: str) -> None:
    """The start stops with the setting's whole name."""
    with pytest.raises(SettingsError) as refusal:
        read(**{name: value})
    assert f"CALGUARD_{name.upper()}: " in str(refusal.value)
    assert expected in str(refusal.value)


@pytest.mark.parametrize("settled", [{"auth_tokens_file": "tokens"}, {"auth_allow_anonymous": "true"}])
@pytest.mark.parametrize("address", ["0.0.0.0:50051", "[::]:0", "calguard.internal:50051"])
def test_other_machines_may_call_once_it_is_settled_who_may(settled: dict[str, str], address: str) -> None:
    """Of gRPC only: what HTTP serves stays on loopback."""
    assert read(listen=address, **settled).listen == address
    with pytest.raises(SettingsError, match="CALGUARD_HTTP_LISTEN: expected a loopback address"):
        read(http_listen=address, **settled)


def test_a_public_address_needs_a_server_there() -> None:
    """Messages would name an address at which nothing answers."""
    with pytest.raises(SettingsError, match="CALGUARD_PUBLIC_URL: expected HTTP_LISTEN"):
        read(public_url="https://calguard.example.com", http_listen="")


@pytest.mark.parametrize("url", ["https://calguard.example.com/a/", "http://127.0.0.1:8080", "http://[::1]:8080/"])
def test_a_public_address_is_kept_without_its_last_slash(url: str) -> None:
    """What follows it begins with one."""
    assert read(public_url=url).public_url == url.rstrip("/")


def test_to_let_in_all_and_to_ask_for_tokens_is_refused() -> None:
    """Nobody could say what is meant; the address is not complained of besides."""
    with pytest.raises(SettingsError) as refusal:
        read(auth_tokens_file="tokens", auth_allow_anonymous="yes", listen="0.0.0.0:1")
    assert str(refusal.value).startswith("CALGUARD_AUTH_ALLOW_ANONYMOUS: expected either this, or AUTH_TOKENS_FILE")
    assert "CALGUARD_LISTEN" not in str(refusal.value)


def test_all_bad_settings_are_named_at_once() -> None:
    """One start is enough to find every slip."""
    with pytest.raises(SettingsError) as refusal:
        read(listen="x", database_url="y")
    assert "CALGUARD_LISTEN" in str(refusal.value)
    assert "CALGUARD_DATABASE_URL" in str(refusal.value)


def test_a_bad_key_is_not_shown() -> None:
    """Neither the key nor another secret is in the error, nor in the settings' representation."""
    with pytest.raises(SettingsError) as refusal:
        read(token_keys="this-is-nearly-a-key", smtp_url="smtp://user:hunter2@mail:587", check_interval="x")
    assert "this-is-nearly-a-key" not in str(refusal.value)
    shown = repr(
        read(
            smtp_url="smtp://user:hunter2@mail:587",
            slack_bot_token="xoxb-1",
            google_client_secret="abc123",
            google_client_id="id",
        )
    )
    assert not [secret for secret in (KEY, "hunter2", "xoxb-1", "abc123") if secret in shown]


def test_several_keys_are_read_in_order() -> None:
    """The first encrypts."""
    other = Fernet.generate_key().decode()
    keys = read(token_keys=f" {KEY} , {other} ").token_keys
    assert [key.get_secret_value() for key in keys] == [KEY, other]


@pytest.mark.parametrize(
    ("text", "days"), [("1d,3d,7d,14d", [1, 3, 7, 14]), (" 2d , 4d", [2, 4]), ("30d", [30]), ("", [])]
)
def test_reminders_are_a_list_of_durations(text: str, days: list[int]) -> None:
    """None is allowed, too."""
    assert read(reminders=text).reminders == tuple(timedelta(days=day) for day in days)


@pytest.mark.parametrize(
    "place", ["http://issuer.example.com/keys", "https:///keys", "https://user@issuer.example/keys"]
)
def test_keys_come_from_where_nobody_can_change_them(place: str) -> None:
    with pytest.raises(SettingsError, match="CALGUARD_AUTH_JWT_JWKS: expected https://"):
        read(auth_jwt_issuer="https://issuer.example", auth_jwt_audience="calguard", auth_jwt_jwks=place)


def test_who_issues_jwts_settles_who_may_call() -> None:
    """From other machines, too."""
    known = {
        "auth_jwt_issuer": "https://issuer.example",
        "auth_jwt_audience": "calguard",
        "auth_jwt_jwks": "/keys.json",
    }
    assert read(listen="0.0.0.0:50051", **known).listen == "0.0.0.0:50051"
    with pytest.raises(SettingsError, match="CALGUARD_AUTH_ALLOW_ANONYMOUS: expected either this, or"):
        read(auth_allow_anonymous=True, **known)


def test_a_certificate_takes_its_key() -> None:
    with pytest.raises(SettingsError, match="CALGUARD_TLS_KEY: expected TLS_CERT and TLS_KEY both, or neither"):
        read(tls_cert="/server.pem")
