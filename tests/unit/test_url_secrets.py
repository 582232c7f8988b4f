"""What is shown of URLs: where they lead, and no key."""

import pytest

from calguard_server.domain.url_secrets import without_url_secrets
from calguard_server.settings.server import read_settings
from calguard_server.store_settings import SettingsError
from tests.leaks import URL_SECRET


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://keys.example/jwks.json", "https://keys.example/jwks.json"),
        ("https://keys.example:8443/jwks?apikey=SEKRET", "https://keys.example:8443/jwks?..."),
        ("https://ann:SEKRET@keys.example/jwks", "https://keys.example/jwks"),
        ("https://ann:SEK@RET@keys.example/?a=SEKRET&b=SEKRET#SEKRET", "https://keys.example/?..."),
        ("ann:SEKRET@127.0.0.1:4317", "127.0.0.1:4317"),
        (
            "Pool(host='h', port=1): Max retries exceeded with url: /v1/traces?key=SEKRET (Caused by Error('refused'))",
            "Pool(host='h', port=1): Max retries exceeded with url: /v1/traces?... (Caused by Error('refused'))",
        ),
    ],
)
def test_neither_users_nor_queries_are_shown(text: str, shown: str) -> None:
    assert without_url_secrets(text) == shown


@pytest.mark.parametrize(
    "url",
    [
        f"http://keys.example/?apikey={URL_SECRET}",
        f"https://ann:{URL_SECRET}@keys.example/",
        f"https://ann:{URL_SECRET}@ex\u2100mple/",
        f"https://[{URL_SECRET}/",
        f"https://keys.example:{URL_SECRET}/",
    ],
)
def test_what_is_said_of_a_bad_setting_does_not_repeat_it(url: str) -> None:
    jwt = {"auth_jwt_issuer": "https://issuer.example", "auth_jwt_audience": "calguard", "auth_jwt_jwks": url}
    with pytest.raises(SettingsError, match="CALGUARD_AUTH_JWT_JWKS: expected") as caught:
        read_settings(**jwt)
    assert URL_SECRET not in str(caught.value)
