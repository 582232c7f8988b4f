"""The tables of failures leave nothing out: every cause of the contract and every fault of the sandbox has its row."""

from calguard.v1 import cause_pb2
from calguard_sandbox.faults.catalogue import CATALOGUE
from tests.e2e import (
    test_failures_at_once,
    test_failures_lesser,
    test_failures_of_delivery,
    test_failures_operator,
    test_failures_over_time,
    test_failures_passing,
)
from tests.e2e.failure_scene import NEXT_ACTION, name_of

ROWS = [
    *test_failures_at_once.AT_ONCE.values(),
    *test_failures_at_once.CONFIRMED.values(),
    *test_failures_passing.ROWS.values(),
    *test_failures_lesser.ROWS.values(),
]
OTHER_TROUBLES = [
    *test_failures_operator.MISCONFIGURED.values(),
    *test_failures_operator.EXHAUSTED.values(),
    *test_failures_over_time.LIMITED.values(),
]
DELIVERIES = [
    *test_failures_of_delivery.WORKSPACE_BROKEN.values(),
    *test_failures_of_delivery.DESTINATION_WRONG.values(),
    *test_failures_of_delivery.NOBODY_THERE.values(),
    *test_failures_of_delivery.SLACK_PASSES.values(),
    *test_failures_of_delivery.MAIL_REFUSED.values(),
    *test_failures_of_delivery.MAIL_PASSES.values(),
]
ELSEWHERE = {
    "token/no_refresh_token": "test_failures_that_are_none.py",
    "consent/org_internal": "test_failures_that_are_none.py",
    "consent/admin_policy_enforced": "test_failures_that_are_none.py",
    "revoke/invalid_token": "test_failures_that_are_none.py",
    "freebusy/tooManyCalendarsRequested": "test_failures_that_are_none.py",
    "freebusy/groupTooBig": "test_failures_that_are_none.py",
    "api/duplicate": "tests/integration/test_google_event_answers.py: it is a success",
    "api/deleted": "tests/integration/test_google_event_answers.py: it is a success",
    "api/fullSyncRequired": "tests/integration/test_google_events.py: nothing synchronises yet",
    "api/updatedMinTooLongAgo": "tests/integration/test_google_events.py: nothing synchronises yet",
    "network/hold": "tests/crash/test_appointment_kills.py: it fails nothing by itself",
    "network/hold_after": "tests/crash/test_appointment_kills.py: it fails nothing by itself",
    "network/hang_after": "tests/integration/test_slack_notifier.py and test_email_notifier.py",
}


def test_every_cause_has_a_row() -> None:
    """Those that alert the operator, and those that never fail a link, have tables of their own."""
    named = {row.reason for row in ROWS} | {"APP_MISCONFIGURED", "QUOTA_EXHAUSTED", "RATE_LIMITED"}
    of_the_contract = {name_of(reason) for reason in cause_pb2.CauseReason.values()} - {"UNSPECIFIED"}
    assert named == of_the_contract == set(NEXT_ACTION)


def test_every_fault_has_a_row() -> None:
    """What the sandbox can answer wrongly is answered wrongly in some row."""
    troubles = [*(row.trouble for row in ROWS), *OTHER_TROUBLES]
    struck = {each.fault for each in (*troubles, *DELIVERIES) if isinstance(each.fault, str)} - {""}
    assert set(CATALOGUE) - struck == set(ELSEWHERE)
