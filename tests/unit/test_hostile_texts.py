"""Names and titles that would run, format, mention, link or forge: they are shown, and do nothing."""

import itertools
import json

import pytest

from calguard_server.domain.account import Locale
from calguard_server.domain.notices import NoticeKind
from calguard_server.notifiers.blocks import blocks_of, escaped, fallback_of
from calguard_server.notifiers.templates import html_of, text_of
from tests.unit.notice_messages import (
    SUPPORT,
    make_alert,
    make_appointment,
    make_fault,
    make_message,
    make_page,
    make_pages,
)
from tests.unit.notice_reading import buttons_in, check_form, write

HOSTILE = (
    "<script>alert(1)</script>\r\nBcc: x@evil.example\n*bold* _i_ `c` <!channel> <https://evil.example|x> & \u202e"
)


@pytest.mark.parametrize(("kind", "locale"), [*itertools.product(NoticeKind, Locale)])
def test_hostile_names_do_nothing(kind: NoticeKind, locale: Locale) -> None:
    """A name is shown, and neither runs, formats, links, mentions nor starts a line."""
    fault = make_fault(account_name=HOSTILE, provider_email=HOSTILE, calendar_name=HOSTILE)
    message = make_message(
        kind,
        locale=locale,
        recipient_id="olga",
        recipient_name=HOSTILE,
        pages=(make_page(title=HOSTILE),),
        faults=(fault,),
        appointments=(make_appointment(title=HOSTILE, account_name=HOSTILE),),
        alert=make_alert(reason=HOSTILE, detail=HOSTILE) if kind is NoticeKind.OPERATOR_ALERT else None,
    )
    letter = write(message)
    check_form(letter)
    assert "\nBcc" not in text_of(letter)
    assert "<script" not in html_of(letter)
    assert "\u202e" not in html_of(letter)
    slack = json.dumps([blocks_of(letter), fallback_of(letter)], ensure_ascii=False)
    for live in ("<!channel>", "<script>", "<https://evil", "*bold", "bold*", "_i_", "`c`"):
        assert live not in slack


def test_slack_escapes_are_never_cut() -> None:
    """A text that grows by its escapes is cut between them."""
    assert escaped("&" * 100, 12) == "&amp;&amp;"
    assert escaped("snake_case 2*3 a*b*", 99) == "snake_case 2*3 a*b∗"


def test_long_hostile_texts_stay_within_slacks_limits() -> None:
    """Nothing but characters that are escaped, in every field, of as many pages and members as may be."""
    wild = "&" * 500
    faults = tuple(
        make_fault(account_id=f"a{n}", account_name=wild, provider_email=wild, calendar_name=wild) for n in range(60)
    )
    pages = (*make_pages(60, title=wild), *make_pages(60, title=wild, stopped=False))
    appointments = (make_appointment(title=wild, account_name=wild),) * 60
    for kind in NoticeKind:
        check_form(write(make_message(kind, pages=pages, faults=faults, appointments=appointments)))


def test_an_address_that_no_button_takes_is_left_out() -> None:
    """Slack would refuse the whole message; one that can be written otherwise is."""
    long = make_fault(relink_url=f"https://booking.example/{'x' * 3000}")
    odd = make_fault(relink_url="https://booking.example/a b|<c>?d=1&e=2")
    letter = write(make_message(faults=(long, odd)))
    check_form(letter)
    addresses = [button["url"] for button in buttons_in(blocks_of(letter))]
    assert addresses == ["https://booking.example/a%20b%7C%3Cc%3E?d=1&e=2", SUPPORT]
