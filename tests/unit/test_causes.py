"""Every reason: how grave it is, who mends it, and that it is put into words."""

import pytest

from calguard_server.domain.causes import RULES, Capability, CauseReason, Finding, severity_of
from tests.unit.builders import make_cause

SEVERITIES = {
    "AUTHORIZATION_REVOKED": "CONFIRM",
    "SESSION_POLICY": "FAIL",
    "ACCOUNT_UNAVAILABLE": "FAIL",
    "AUTHORIZATION_INCOMPLETE": "FAIL",
    "ADMIN_BLOCKED": "FAIL",
    "SCOPE_MISSING": "FAIL",
    "CALENDAR_NOT_VISIBLE": "CONFIRM",
    "ADD_CALENDAR_NOT_VISIBLE": "DEGRADE",
    "CALENDAR_READ_ONLY": "DEGRADE",
    "ACCESS_FORBIDDEN": "TRANSIENT",
    "SELECTION_MISSING": "DEGRADE",
    "CALENDAR_SERVICE_OFF": "FAIL",
    "RATE_LIMITED": "TRANSIENT",
    "QUOTA_EXHAUSTED": "OPERATOR",
    "PROVIDER_UNAVAILABLE": "TRANSIENT",
    "NETWORK_ERROR": "TRANSIENT",
    "APP_MISCONFIGURED": "OPERATOR",
}

WORDS_OF_THE_REMEDY = {
    "AUTHORIZATION_REVOKED": ["reconnect", "every checkbox", "disconnect"],
    "SESSION_POLICY": ["reconnect", "administrator"],
    "ACCOUNT_UNAVAILABLE": ["restore", "link another"],
    "AUTHORIZATION_INCOMPLETE": ["reconnect"],
    "ADMIN_BLOCKED": ["administrator", "allow"],
    "SCOPE_MISSING": ["reconnect", "every checkbox"],
    "CALENDAR_NOT_VISIBLE": ["share", "again", "choose another"],
    "ADD_CALENDAR_NOT_VISIBLE": ["choose another"],
    "CALENDAR_READ_ONLY": ["make changes to events"],
    "ACCESS_FORBIDDEN": ["shared"],
    "SELECTION_MISSING": ["set", "check", "add"],
    "CALENDAR_SERVICE_OFF": ["turn", "on", "administrator"],
    "QUOTA_EXHAUSTED": ["operator"],
    "APP_MISCONFIGURED": ["operator"],
}
"""Words without which a remedy would not say who mends it, and how."""

NOBODY_MENDS = {"RATE_LIMITED", "PROVIDER_UNAVAILABLE", "NETWORK_ERROR"}


def test_the_tables_name_every_reason() -> None:
    """A reason that is added needs a rule, a severity and a remedy, or the word that nobody mends it."""
    names = {reason.value for reason in CauseReason}
    assert set(RULES) == set(CauseReason)
    assert set(SEVERITIES) == names
    assert set(WORDS_OF_THE_REMEDY) | NOBODY_MENDS == names


@pytest.mark.parametrize(("reason", "severity"), SEVERITIES.items())
@pytest.mark.parametrize("capability", [None, Capability.LIST, Capability.CHECK])
def test_how_grave_a_reason_is(reason: str, severity: str, capability: Capability | None) -> None:
    """A reason is as grave as the taxonomy says."""
    assert severity_of(Finding(CauseReason(reason), capability=capability)).value == severity


def test_lacking_only_adding_degrades() -> None:
    """What concerns adding only degrades where it may pass, or where the permission to add is missing."""
    for name, severity in SEVERITIES.items():
        expected = "DEGRADE" if name == "SCOPE_MISSING" or severity == "TRANSIENT" else severity
        assert severity_of(Finding(CauseReason(name), capability=Capability.ADD)).value == expected


@pytest.mark.parametrize("reason", list(CauseReason))
def test_every_reason_has_a_message(reason: CauseReason) -> None:
    """A message is one sentence or clause for a person: it begins with a capital, and ends."""
    message = make_cause(reason).message
    assert message[0].isupper()
    assert message.endswith(".")
    assert reason.value not in message


@pytest.mark.parametrize(("reason", "words"), WORDS_OF_THE_REMEDY.items())
def test_what_can_be_mended_has_a_remedy(reason: str, words: list[str]) -> None:
    """A remedy says who mends it, and how."""
    remedy = make_cause(CauseReason(reason)).remedy.lower()
    assert remedy.endswith(".")
    assert [word for word in words if word not in remedy] == []


@pytest.mark.parametrize("reason", sorted(NOBODY_MENDS))
def test_what_passes_by_itself_asks_for_nothing(reason: str) -> None:
    """Where nobody needs to do anything, no remedy is made up."""
    assert make_cause(CauseReason(reason)).remedy == ""


@pytest.mark.parametrize("reason", list(CauseReason))
def test_the_operators_side(reason: CauseReason) -> None:
    """Only the two reasons that the operator mends are the operator's side."""
    assert make_cause(reason).operator_side == (reason.value in {"QUOTA_EXHAUSTED", "APP_MISCONFIGURED"})


def test_a_revoked_grant_claims_no_more_than_is_known() -> None:
    """Google does not say whether a grant was revoked or ran out, so neither does the message."""
    message = make_cause(CauseReason.AUTHORIZATION_REVOKED).message
    assert "revoked or expired" in message
    assert "does not say" in message
