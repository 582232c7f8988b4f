"""Page tokens are opaque, and good only for the list and the filters that they came from."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calguard_server.domain.errors import InvalidArgumentError
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.validation import ID

PAGES = Paging("ListBookingPages", "ann", "LINKED", position=ID)


@given(st.from_regex(ID, fullmatch=True))
def test_a_token_leads_back_to_the_id_it_was_made_of(last_id: str) -> None:
    token = PAGES.token(last_id)
    assert PAGES.after(token) == last_id
    assert token.isascii()
    assert "=" not in token


def test_no_token_is_the_first_page() -> None:
    assert PAGES.after("") == ""


@pytest.mark.parametrize(
    "other",
    [
        Paging("ListCalendarLinks", "ann", "LINKED", position=ID),
        Paging("ListBookingPages", "bob", "LINKED", position=ID),
        Paging("ListBookingPages", "ann", "STOPPED", position=ID),
        Paging("ListBookingPages", "ann", position=ID),
        Paging("ListBookingPages", "", "ann", "LINKED", position=ID),
    ],
    ids=["list", "account", "state", "fewer filters", "shifted filters"],
)
def test_a_token_of_another_list_or_filter_is_refused(other: Paging) -> None:
    with pytest.raises(InvalidArgumentError) as refusal:
        PAGES.after(other.token("page-1"))
    assert [each.field for each in refusal.value.violations] == ["page_token"]


def forged(position: bytes) -> str:
    scope = base64.urlsafe_b64decode(PAGES.token("x") + "==")[:8]
    return base64.urlsafe_b64encode(scope + position).decode()


@pytest.mark.parametrize(
    "token",
    [
        "x", "====", "a b", "ÀÀÀÀ", "日本", "\x00", "A" * 10_000, forged(b""), forged(b"a\x00b"), forged(b"\xff\xfe"),
        forged(b"x" * 64), forged(b"../x"), forged(b"a\n"),
    ],
    ids=repr,
)  # fmt: skip
def test_garbage_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgumentError):
        PAGES.after(token)


@given(st.text())
def test_no_text_at_all_makes_any_other_error(token: str) -> None:
    try:
        assert PAGES.after(token) == ""
    except InvalidArgumentError as refusal:
        assert refusal.violations[0].field == "page_token"  # noqa: PT017 - most texts are refused, the empty one is not


@pytest.mark.parametrize(("asked", "answered"), [(0, 50), (1, 1), (1000, 1000), (1001, 1000), (2**31 - 1, 1000)])
def test_page_size(asked: int, answered: int) -> None:
    assert page_size(asked) == answered


@pytest.mark.parametrize(
    ("rows", "page", "more"), [([], [], False), ([1, 2], [1, 2], False), ([1, 2, 3], [1, 2], True)]
)
def test_the_one_row_too_many_tells_that_there_is_more(rows: list[int], page: list[int], *, more: bool) -> None:
    assert split(rows, 2) == (page, more)
