"""Reading what a caller wants to have explained, and answering an explanation in the contract's words."""

from collections.abc import Sequence

from calguard.v1 import booking_page_pb2 as pb
from calguard.v1 import explanation_pb2
from calguard_server.domain.explanation import ExplainedMember, ExplainedNotice, Explanation
from calguard_server.domain.incident import Recipient
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.convert import cause_to_wire, page_to_wire
from calguard_server.grpc_api.fields import MEMBERS_MAX
from calguard_server.grpc_api.validation import Checker

_FAULTY, _HEALTHY = "assume_faulty_account_ids", "assume_healthy_account_ids"


def check_explain(request: pb.ExplainBookingPageRequest) -> None:
    """Check which page is to be explained, and what is assumed. Raises InvalidArgumentError."""
    check = Checker()
    check.id("id", request.id)
    sized = [
        _check_assumed(check, _FAULTY, request.assume_faulty_account_ids),
        _check_assumed(check, _HEALTHY, request.assume_healthy_account_ids),
    ]
    if all(sized):
        _check_apart(check, _FAULTY, request.assume_faulty_account_ids, request.assume_healthy_account_ids)
        _check_apart(check, _HEALTHY, request.assume_healthy_account_ids, request.assume_faulty_account_ids)
    check.refuse()


def _check_assumed(check: Checker, field: str, account_ids: Sequence[str]) -> bool:
    """Check the accounts of one field; answers whether they are not too many."""
    if not check.at_most(field, account_ids, MEMBERS_MAX):
        return False
    check.ids(field, account_ids, MEMBERS_MAX)
    check.unique(field, account_ids)
    return True


def _check_apart(check: Checker, field: str, account_ids: Sequence[str], others: Sequence[str]) -> None:
    opposite = frozenset(others)
    for index, account_id in enumerate(account_ids):
        check.expect(account_id not in opposite, f"{field}[{index}]", "expected faulty or healthy, not both")


def explanation_to_wire(explanation: Explanation) -> pb.ExplainBookingPageResponse:
    """Answer an explanation."""
    verdict = explanation.verdict
    return pb.ExplainBookingPageResponse(
        booking_page=page_to_wire(explanation.page),
        verdict=pb.ExplainedVerdict(
            state=enums.PAGE_STATE.to_wire[verdict.state],
            accepting=verdict.accepting,
            stop_cause=enums.STOP_CAUSE.to_wire[verdict.stop_cause],
            reason=enums.VERDICT_REASON.to_wire[verdict.reason],
        ),
        members=[_member_to_wire(member) for member in explanation.members],
        notices=[_notice_to_wire(notice) for notice in explanation.notices],
        notice_reason=enums.NOTICE_REASON.to_wire[explanation.notice_reason],
        revision=explanation.revision,
    )


def _member_to_wire(member: ExplainedMember) -> explanation_pb2.ExplainedMember:
    return explanation_pb2.ExplainedMember(
        account_id=member.account_id,
        condition=enums.MEMBER_CONDITION.to_wire[member.condition],
        assumed=member.reason.assumed,
        reason=enums.MEMBER_REASON.to_wire[member.reason],
        calendar_link_id=member.calendar_link_id,
        cause=None if member.cause is None else cause_to_wire(member.cause),
        one_failure_from_stopping=member.one_failure_from_stopping,
    )


def _notice_to_wire(notice: ExplainedNotice) -> explanation_pb2.ExplainedNotice:
    return explanation_pb2.ExplainedNotice(
        kind=enums.NOTICE_KIND.to_wire[notice.kind],
        recipients=[_recipient_to_wire(recipient) for recipient in notice.recipients],
        faulty_account_ids=notice.faulty_account_ids,
    )


def _recipient_to_wire(recipient: Recipient) -> explanation_pb2.ExplainedRecipient:
    channels = [enums.CHANNEL.to_wire[channel] for channel in recipient.channels]
    return explanation_pb2.ExplainedRecipient(account_id=recipient.account_id, channels=channels)
