"""Who is let in, by the callers known right now."""

from datetime import timedelta

import pytest

from calguard_server.auth.authority import Authority
from calguard_server.auth.callers import Caller, Role
from calguard_server.auth.tokens import digest_of
from calguard_server.domain.errors import CalguardError, PermissionDeniedError, UnauthenticatedError
from tests.fakes.world import START, ManualClock

HOUR = timedelta(hours=1)


def known(role: Role, *, expires: bool = False) -> dict[bytes, Caller]:
    return {digest_of("t"): Caller("booking", role, START + HOUR if expires else None)}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
def test_a_role_includes_those_before_it(role: Role, needed: Role) -> None:
    permit = Authority(known(role), ManualClock()).identify("Bearer t", needed)
    assert permit.name == "booking"
    if role >= needed:
        permit.check()
        return
    with pytest.raises(PermissionDeniedError) as refusal:
        permit.check()
    assert refusal.value.reason == "ROLE_TOO_SMALL"
    assert refusal.value.metadata == {"needed_role": needed.word, "role": role.word}
    assert needed.word in refusal.value.message


@pytest.mark.parametrize(
    ("authorization", "reason"), [("", "TOKEN_MISSING"), ("Basic t", "TOKEN_MISSING"), ("Bearer u", "TOKEN_UNKNOWN")]
)
def test_who_is_not_known_is_told_so_and_no_more(authorization: str, reason: str) -> None:
    with pytest.raises(UnauthenticatedError) as refusal:
        Authority(known(Role.ADMIN), ManualClock()).identify(authorization, Role.READER)
    assert (refusal.value.reason, refusal.value.metadata) == (reason, {})


def test_a_token_is_good_until_it_expires() -> None:
    """To the microsecond, for who calls and for who has called before."""
    clock = ManualClock()
    authority = Authority(known(Role.READER, expires=True), clock)
    permit = authority.identify("Bearer t", Role.READER)
    clock.advance(HOUR - timedelta(microseconds=1))
    permit.check()
    authority.identify("Bearer t", Role.READER).check()
    clock.advance(timedelta(microseconds=1))
    for late in (permit.check, authority.identify("Bearer t", Role.READER).check):
        with pytest.raises(UnauthenticatedError) as refusal:
            late()
        assert refusal.value.reason == "TOKEN_EXPIRED"
        assert refusal.value.metadata == {"expire_time": (START + HOUR).isoformat()}


@pytest.mark.parametrize(
    ("callers", "reason"),
    [
        (known(Role.WRITER), ""),
        (known(Role.ADMIN), ""),
        (known(Role.READER), "ROLE_TOO_SMALL"),
        ({}, "TOKEN_UNKNOWN"),
        ({digest_of("other"): Caller("booking", Role.ADMIN)}, "TOKEN_UNKNOWN"),
    ],
)
def test_a_permit_follows_the_callers(callers: dict[bytes, Caller], reason: str) -> None:
    """What was permitted is looked at by the callers known by then, and by the token that it was permitted to."""
    authority = Authority(known(Role.WRITER), ManualClock())
    permit = authority.identify("Bearer t", Role.WRITER)
    authority.callers = callers
    found = ""
    try:
        permit.check()
    except CalguardError as refusal:
        found = refusal.reason
    assert found == reason
