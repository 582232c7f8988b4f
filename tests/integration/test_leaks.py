"""The search for secrets finds them: in what is printed, in what other processes say, and without showing them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from calguard_server.auth.tokens import new_token
from calguard_server.domain.secret import Secret
from calguard_server.store.vault import Vault
from tests.leaks import KINDS, MAIL_PASSWORD, URL_SECRET, leaks_in

ROOT = Path(__file__).parents[2]
KEY = Fernet.generate_key().decode()
ONE_OF_EACH = {
    "a key of TOKEN_KEYS": KEY,
    "what a key has sealed": Vault([Secret(KEY)]).seal(Secret("x")).decode(),
    "the OAuth client's secret": "GOCSPX-sandbox-client-secret",
    "an access token": "ya29." + "a1" * 16,
    "a refresh token": "1//0" + "a1" * 16,
    "an authorization code": "4/0" + "a1" * 16,
    "an ID token": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2ln",
    "a Slack token": "xoxb-sandbox-bot-token",
    "a caller's token": new_token(),
    "a webhook's secret": "whsec_" + "QUJD" * 8,
    "the mail server's password": MAIL_PASSWORD,
    "a secret in a URL": URL_SECRET,
}
TEST_FILE = """
import sys
import pytest
from tests.leaks import emitted

@pytest.fixture
def careless():
    yield
    print("at the end", SECRET)

def test_says_nothing(): print("nothing at all")
def test_prints(): print('{"event": "refreshed", "token": "' + SECRET + '"}')
def test_complains(): sys.stderr.write(SECRET)
def test_hears_another_process(): emitted("a server's standard error", "no such token: " + SECRET)
def test_ends_with_it(careless): pass
def test_fails_besides():
    print(SECRET)
    assert False
"""


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_wherever_it_stands(kind: str) -> None:
    """As a value of JSON, in an address, at the end of a line, and between other words."""
    secret = ONE_OF_EACH[kind]
    for text in (f'{{"a": "{secret}"}}', f"https://x.test/?a={secret}&b=1", f"no: {secret}\n", f"Bearer {secret} x"):
        found = list(leaks_in(text))
        assert [each.partition(" after ")[0] for each in found] == [kind], text
        assert secret not in "".join(found)


def test_what_is_none_is_not_taken_for_one() -> None:
    """Ids, hashes, tokens of watches and addresses are told all the time."""
    for text in (
        "store-054d4abf376249829531 link-1fc0cb40bef44d989fbf a5e40781afede24d",
        "sha256:" + "0f" * 32,
        "AQAAAAAAAAAA47DEQpj8HBhzdG9yZS1iZDVhZTM4ZDI1MzI0ODg4OGQyZDkR8Gg=",
        "AgAAAAAAAAAWRTo5uY32NZg1r3zw2zYN4nN0b3JlLW9sZC0xo50r1w==",
        "CALGUARD_TOKEN_KEYS: expected 32 bytes in URL-safe base64",
    ):
        assert list(leaks_in(text)) == []


def test_a_test_that_emits_a_secret_fails_and_does_not_show_it(tmp_path: Path) -> None:
    """Whether it prints it itself, in its call or at its end, or was told of it; one that emits none passes."""
    (tmp_path / "conftest.py").write_text("from tests.leaks import pytest_runtest_makereport\n")
    secret = ONE_OF_EACH["a refresh token"]
    (tmp_path / "test_it.py").write_text(f"SECRET = '1//0' + 'a1' * 16\n{TEST_FILE}")
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "-rA",
            "--rootdir",
            str(tmp_path),
            str(tmp_path),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = dict(
        reversed(line.split()[:2]) for line in ended.stdout.splitlines() if line.startswith(("PASS", "FAIL", "ERR"))
    )
    names = {name.rpartition("::")[2]: outcome for name, outcome in outcomes.items()}
    assert names == {
        "test_says_nothing": "PASSED",
        "test_prints": "FAILED",
        "test_complains": "FAILED",
        "test_hears_another_process": "FAILED",
        "test_ends_with_it": "ERROR",
        "test_fails_besides": "FAILED",
    }, ended.stdout
    assert "a refresh token after" in ended.stdout
    assert secret not in ended.stdout + ended.stderr
