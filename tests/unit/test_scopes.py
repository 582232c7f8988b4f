"""What a grant permits, scope by scope."""

import pytest

from calguard_server.domain.causes import Capability
from calguard_server.domain.scopes import REQUESTED_SCOPES, missing_capabilities

LIST, CHECK, ADD = Capability.LIST, Capability.CHECK, Capability.ADD

LACKING = {
    "calendar": (),
    "calendar.readonly": (ADD,),
    "calendar.calendarlist": (CHECK, ADD),
    "calendar.calendarlist.readonly": (CHECK, ADD),
    "calendar.freebusy": (LIST, ADD),
    "calendar.events.freebusy": (LIST, ADD),
    "calendar.events": (LIST, CHECK),
    "calendar.events.owned": (LIST, CHECK),
    "calendar.events.readonly": (LIST, CHECK, ADD),
    "calendar.settings.readonly": (LIST, CHECK, ADD),
    "gmail.readonly": (LIST, CHECK, ADD),
}
"""What a grant of one scope alone lacks."""


def scopes(*names: str) -> list[str]:
    return [f"https://www.googleapis.com/auth/{name}" for name in names]


@pytest.mark.parametrize(("name", "lacking"), LACKING.items())
def test_one_scope_alone(name: str, lacking: tuple[Capability, ...]) -> None:
    """Each scope permits what Google's reference says, and no more; `calendar.events` neither lists nor checks."""
    assert missing_capabilities(scopes(name)) == lacking


@pytest.mark.parametrize(
    ("granted", "lacking"),
    [
        ([], (LIST, CHECK, ADD)),
        (["openid", "email"], (LIST, CHECK, ADD)),
        (scopes("calendar.readonly", "calendar.events"), ()),
        (scopes("calendar.calendarlist", "calendar.events.freebusy", "calendar.events.owned"), ()),
        (scopes("calendar.events", "calendar.freebusy"), (LIST,)),
        (["calendar"], (LIST, CHECK, ADD)),
        (scopes("calendar", "gmail.readonly"), ()),
    ],
)
def test_several_scopes(granted: list[str], lacking: tuple[Capability, ...]) -> None:
    """A grant is judged by capability: other scopes that permit the same will do, further ones do no harm."""
    assert missing_capabilities(granted) == lacking


def test_what_we_ask_for_permits_everything() -> None:
    """The scopes of the consent page are the ones documented, and lack nothing."""
    asked = scopes("calendar.calendarlist.readonly", "calendar.freebusy", "calendar.events")
    assert ("openid", "email", *asked) == REQUESTED_SCOPES
    assert missing_capabilities(REQUESTED_SCOPES) == ()


@pytest.mark.parametrize(
    ("box", "lacking"),
    [("calendar.calendarlist.readonly", LIST), ("calendar.freebusy", CHECK), ("calendar.events", ADD)],
)
def test_each_box_matters(box: str, lacking: Capability) -> None:
    """A box left unticked costs exactly one capability."""
    ticked = [scope for scope in REQUESTED_SCOPES if scope not in scopes(box)]
    assert missing_capabilities(ticked) == (lacking,)
