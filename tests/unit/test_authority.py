"""Who is let in, by the callers known right now."""

from datetime import timedelta

import pytest

from calguard_server.auth.authority import Authority
from calguard_server.auth.callers import Caller, Role
from calguard_server.auth.certificates import ClientTrust, PeerCertificate
from calguard_server.auth.tokens import digest_of
from calguard_server.domain.errors import CalguardError, PermissionDeniedError, UnauthenticatedError
from calguard_server.domain.scope import EVERYTHING, Scope
from tests.fakes import certificates
from tests.fakes.world import START, ManualClock

HOUR = timedelta(hours=1)


def known(role: Role, *, expires: bool = False) -> dict[bytes, Caller]:
    return {digest_of("t"): Caller("booking", role, START + HOUR if expires else None)}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("needed", Role)
async def test_a_role_includes_those_before_it(role: Role, needed: Role) -> None:
    permit = await Authority(known(role), ManualClock()).identify("Bearer t", needed)
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
async def test_who_is_not_known_is_told_so_and_no_more(authorization: str, reason: str) -> None:
    with pytest.raises(UnauthenticatedError) as refusal:
        await Authority(known(Role.ADMIN), ManualClock()).identify(authorization, Role.READER)
    assert (refusal.value.reason, refusal.value.metadata) == (reason, {})


async def test_a_token_is_good_until_it_expires() -> None:
    """To the microsecond, for who calls and for who has called before."""
    clock = ManualClock()
    authority = Authority(known(Role.READER, expires=True), clock)
    permit = await authority.identify("Bearer t", Role.READER)
    clock.advance(HOUR - timedelta(microseconds=1))
    permit.check()
    (await authority.identify("Bearer t", Role.READER)).check()
    clock.advance(timedelta(microseconds=1))
    for late in (permit.check, (await authority.identify("Bearer t", Role.READER)).check):
        with pytest.raises(UnauthenticatedError) as refusal:
            late()
        assert refusal.value.reason == "TOKEN_EXPIRED"
        assert refusal.value.metadata == {"expire_time": (START + HOUR).isoformat()}


def test_a_certificate_is_good_until_it_expires() -> None:
    """To the last of its seconds, where its line does not end it sooner."""
    ca = certificates.authority()
    leaf = ca.issue(certificates.dns("booking.example.com"))
    clock = ManualClock(certificates.END - timedelta(seconds=1))
    known_by = {"dns:booking.example.com": Caller("booking", Role.READER)}
    authority = Authority(known_by, clock, ClientTrust(ca.cert))
    permit = authority.identify_peer(PeerCertificate(leaf.cert), Role.READER)
    permit.check()
    clock.advance(timedelta(seconds=1))
    with pytest.raises(UnauthenticatedError) as refusal:
        permit.check()
    assert refusal.value.reason == "CERTIFICATE_EXPIRED"
    assert refusal.value.metadata == {"expire_time": certificates.END.isoformat()}


def test_a_certificate_rests_on_who_signed_it_and_not_on_what_else_came_along() -> None:
    ca, other = certificates.authority(), certificates.authority()
    between = ca.issue(authority=True)
    leaf, stranger = between.issue(), other.issue()
    trust = ClientTrust(ca.cert)
    assert trust.trusts(PeerCertificate(leaf.cert, between.cert))
    assert trust.trusts(PeerCertificate(leaf.cert, other.cert + between.cert))
    assert not trust.trusts(PeerCertificate(leaf.cert))
    assert not trust.trusts(PeerCertificate(stranger.cert, between.cert + other.cert))
    trust.replace(other.cert)
    assert not trust.trusts(PeerCertificate(leaf.cert, between.cert))
    assert trust.trusts(PeerCertificate(stranger.cert))


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
async def test_a_permit_follows_the_callers(callers: dict[bytes, Caller], reason: str) -> None:
    """What was permitted is looked at by the callers known by then, and by the token that it was permitted to."""
    authority = Authority(known(Role.WRITER), ManualClock())
    permit = await authority.identify("Bearer t", Role.WRITER)
    authority.callers = callers
    found = ""
    try:
        permit.check()
    except CalguardError as refusal:
        found = refusal.reason
    assert found == reason


async def test_a_permit_ends_when_the_scope_changes() -> None:
    """Wider or narrower: what was begun was begun for other accounts."""
    ann = Scope(frozenset({"ann"}))
    authority = Authority({digest_of("t"): Caller("booking", Role.READER, scope=ann)}, ManualClock())
    permit = await authority.identify("Bearer t", Role.READER)
    assert permit.scope == ann
    permit.check()
    for other in (Scope(frozenset({"ann", "ben"})), EVERYTHING):
        authority.callers = {digest_of("t"): Caller("booking", Role.ADMIN, scope=other)}
        with pytest.raises(PermissionDeniedError) as refusal:
            permit.check()
        assert refusal.value.reason == "SCOPE_CHANGED"
