"""Each kind of value that callers send: what is taken, and what is refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calguard_server.domain.account import Locale
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.validation import Checker
from tests.unit.requests_refused import wrong_fields

REQUEST_ID = "5f2b8f0e-3d0c-4a4e-9d6b-0c6a3f0f7a11"
UNPRINTABLE = ["\n", "a\r\nb", "a\x00b", "\x1b[31m", "\x7f", "\x85", "a\u2028b", "a\u2029b"]
TURNED = [f"a{each}b" for each in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
UNSEEN = [
    "\u200b",
    "\ufeff\u200b",
    "\u200d \u200c",
    "\u2060",
    "\u00ad",
    "\ufe0f",
    "\u034f",
    "\u3164",
    "\u2800",
    "\U000e0041",
]


def wrong(check: Callable[[Checker], object]) -> bool:
    checker = Checker()
    check(checker)
    return wrong_fields(checker.refuse) != []


@pytest.mark.parametrize("value", ["a", "A1", "0", "a.b_c-d", "x" * 63])
def test_ids_that_are_taken(value: str) -> None:
    assert not wrong(lambda check: check.id("id", value))


@pytest.mark.parametrize("value", ["", "-a", ".a", "a/b", "a b", "a\n", "é", "x" * 64, "a\x00", "../etc", "日本"])
def test_ids_that_are_refused(value: str) -> None:
    assert wrong(lambda check: check.id("id", value))
    assert wrong(lambda check: check.optional_id("id", value)) == (value != "")


@pytest.mark.parametrize("value", ["", "ann@example.com", "a.b+c@x-y.co.jp", "o'neil@example.com", "ann@localhost"])
def test_addresses_that_are_taken(value: str) -> None:
    assert not wrong(lambda check: check.email("email", value))


@pytest.mark.parametrize(
    "value",
    [
        "ann", "@example.com", "ann@", "ann@example", "a@b@example.com", "ann @example.com", ".ann@example.com",
        "a..b@example.com", "ann@-example.com", "ann@example..com", "ann@example.com\n", "a@example.com,b@example.com",
        "Ann <ann@example.com>", "ann@example.com\r\nBcc: x@example.com", "ann@[127.0.0.1]", "x" * 65 + "@example.com",
        "a@" + "x" * 64 + ".com", "a@" + "x." * 130 + "com", "あ@example.com", "ann@example.com\x00",
        '"a b"@example.com',
    ],
)  # fmt: skip
def test_addresses_that_are_refused(value: str) -> None:
    assert wrong(lambda check: check.email("email", value))


@pytest.mark.parametrize(
    "value",
    [
        *("x", "x" * 200, "日程調整 🗓️", "👩‍👩‍👧 family", "a\u200bb", " padded ", "🗓️", "\U0001fae9"),
        *("می\u200cخواهم", "क्\u200dष", "שלום!\u200f"),
    ],
)
def test_names_that_are_taken(value: str) -> None:
    """Joiners and marks of direction among them, which scripts need, and emoji that are newer than our Unicode."""
    assert not wrong(lambda check: check.name("title", value))


@pytest.mark.parametrize("value", ["", " ", "\u3000", "x" * 201, *UNPRINTABLE, *TURNED, *UNSEEN])
def test_names_that_are_refused(value: str) -> None:
    assert wrong(lambda check: check.name("title", value))


@pytest.mark.parametrize("value", [" ", *UNPRINTABLE, *TURNED, *UNSEEN])
def test_a_text_may_be_left_out_and_is_seen_where_it_is_not(value: str) -> None:
    assert not wrong(lambda check: check.text("name", "", 200))
    assert wrong(lambda check: check.text("name", value, 200))


@pytest.mark.parametrize(("value", "locale"), [("", Locale.ENGLISH), ("en", Locale.ENGLISH), ("ja", Locale.JAPANESE)])
def test_locales_that_are_taken(value: str, locale: Locale) -> None:
    assert Checker().locale("locale", value) is locale


@pytest.mark.parametrize("value", ["EN", "en-US", "fr", "en\n", "日本語"])
def test_locales_that_are_refused(value: str) -> None:
    assert wrong(lambda check: check.locale("locale", value))


@pytest.mark.parametrize("value", ["", REQUEST_ID, REQUEST_ID.upper()])
def test_request_ids_that_are_taken(value: str) -> None:
    assert not wrong(lambda check: check.request_id(value))


@pytest.mark.parametrize(
    "value",
    [
        "x", "5f2b8f0e3d0c4a4e9d6b0c6a3f0f7a11", "{5f2b8f0e-3d0c-4a4e-9d6b-0c6a3f0f7a11}",
        "5f2b8f0e-3d0c-1a4e-9d6b-0c6a3f0f7a11", "5f2b8f0e-3d0c-4a4e-cd6b-0c6a3f0f7a11", REQUEST_ID + "\n",
        "00000000-0000-0000-0000-000000000000",
    ],
)  # fmt: skip
def test_request_ids_that_are_refused(value: str) -> None:
    assert wrong(lambda check: check.request_id(value))


@pytest.mark.parametrize(
    "value",
    [
        "", "https://app.example.com/back?a=b", "https://app.example.com:8443/", "http://localhost:8080/oauth/callback",
        "http://127.0.0.1/cb", "http://127.8.9.1:1/cb", "http://[::1]:3000/cb", "https://xn--r8jz45g.example/cb",
        "HTTPS://example.com/",
    ],
)  # fmt: skip
def test_redirects_that_are_taken(value: str) -> None:
    assert not wrong(lambda check: check.redirect_uri("redirect_uri", value))


@pytest.mark.parametrize(
    "value",
    [
        "app", "/oauth/callback", "//example.com/cb", "http://example.com/cb", "http://localhost.example.com/cb",
        "http://127.0.0.1.example.com/", "ftp://localhost/", "javascript:alert(1)", "https://", "https:///cb",
        "https://example.com/cb#x", "https://example.com/cb#", "https://exa mple.com/", "https://example.com/\n",
        "https://user:secret@example.com/", "http://[::1/cb", "https://example.com:99999/", "https://example.com:x/",
        "https://example.com\\@evil.example/", "https://例え.jp/", "https://example.com/" + "x" * 2000, "http://[::2]/cb",
    ],
)  # fmt: skip
def test_redirects_that_are_refused(value: str) -> None:
    assert wrong(lambda check: check.redirect_uri("redirect_uri", value))


@given(st.text())
def test_no_text_makes_another_error(value: str) -> None:
    for check in (Checker.id, Checker.name, Checker.email, Checker.locale, Checker.redirect_uri, Checker.etag):
        wrong(lambda checker, check=check: check(checker, "field", value))  # type: ignore[misc]
    wrong(lambda checker: checker.request_id(value))


@given(st.integers(-(2**31), 2**31 - 1))
def test_only_numbers_that_the_contract_names_are_choices(number: int) -> None:
    assert wrong(lambda check: check.enum("mode", number, enums.SCHEDULING_MODE)) == (number not in (1, 2, 3))


def test_choices_are_limited_in_number() -> None:
    assert not wrong(lambda check: check.enums("states", [1] * 100, enums.LINK_STATE))
    assert wrong(lambda check: check.enums("states", [1] * 101, enums.LINK_STATE))
