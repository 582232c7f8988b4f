"""What a silence holds back, and what it does not."""

import pytest

from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import PagePhase
from calguard_server.domain.silence import Silence, is_silenced
from tests.unit.builders import NOW, make_delivery, make_fault, make_page, minutes, seconds

LATER = NOW + minutes(1)
STOPPED = make_page(faulty=["ann", "bob"], phase=PagePhase.STOPPED_BY_RULE)
OF_TROUBLE = [
    NoticeKind.PAGE_STOPPED,
    NoticeKind.MEMBER_FAULTY,
    NoticeKind.REMINDER,
    NoticeKind.ASSIGNED_TO_FAULTY,
    NoticeKind.LINK_FAILED,
]
ANN, BOB = {"calendar_link_id": "ann-google"}, {"calendar_link_id": "bob-google"}


def silence(**parts: object) -> Silence:
    values = {"booking_page_id": "", "account_id": "", "calendar_link_id": "", "end_time": LATER} | parts
    return Silence(id="s", reason="moving", create_time=NOW, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"booking_page_id": "page"}, True),
        ({"booking_page_id": "other"}, False),
        ({"account_id": "olga"}, True),
        ({"account_id": "ann"}, False),
        (ANN, True),
        (BOB, False),
        ({"booking_page_id": "page", "account_id": "olga"} | ANN, True),
        ({"booking_page_id": "page", "account_id": "cleo"}, False),
        ({"booking_page_id": "page"} | BOB, False),
        ({"booking_page_id": "page", "end_time": NOW}, False),
        ({"booking_page_id": "page", "end_time": NOW + seconds(1)}, True),
    ],
)
@pytest.mark.parametrize("kind", OF_TROUBLE)
def test_what_all_parts_agree_on_is_silenced(kind: NoticeKind, parts: dict[str, object], *, expected: bool) -> None:
    """What is told of the page, to Olga, of Ann's link, until the silence is over."""
    assert is_silenced(make_delivery(kind), STOPPED, [silence(**parts)], NOW) == expected


@pytest.mark.parametrize("kind", [kind for kind in NoticeKind if kind not in OF_TROUBLE])
def test_what_is_never_silenced(kind: NoticeKind) -> None:
    """The end of what was told, and the operator's alerts."""
    assert not is_silenced(make_delivery(kind), STOPPED, [silence(account_id="olga")], NOW)


def test_a_notice_of_several_faults_is_silenced_where_each_is() -> None:
    """Be it by different silences; whom nothing is at fault with any more does not count."""
    both = make_delivery(faults=(make_fault("ann"), make_fault("bob")))
    assert not is_silenced(both, STOPPED, [silence(**ANN)], NOW)
    assert is_silenced(both, STOPPED, [silence(**ANN), silence(**BOB)], NOW)
    bob_alone = make_page(faulty=["bob"], phase=PagePhase.STOPPED_BY_RULE)
    assert is_silenced(both, bob_alone, [silence(**BOB)], NOW)


def test_without_silences_nothing_is_silenced() -> None:
    assert not is_silenced(make_delivery(), STOPPED, [], NOW)
