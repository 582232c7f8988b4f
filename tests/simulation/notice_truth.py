"""What docs/rules.md says of when a notice is still true, and why one may be dropped, said once more."""

from collections.abc import Callable

from tests.simulation.owed import AGAIN, FAILED, MENDED, Moment, Owed


def truth_of(owed: Owed) -> Callable[[Moment], bool]:
    """What must hold for a notice to be sent."""
    if owed.kind == AGAIN:
        return lambda moment: moment.view is not None and moment.view.accepting
    if owed.kind == MENDED:
        return lambda moment: moment.link is not None and moment.link.state != "FAILED"
    if owed.kind == FAILED:
        return lambda moment: (
            moment.link is not None and moment.link.state == "FAILED" and moment.incident == owed.incident
        )
    return lambda moment: (
        moment.incident == owed.incident
        and moment.view is not None
        and moment.view.stop_cause == "CALENDAR_FAILURE"
        and not moment.faulty.keys().isdisjoint(owed.named)
        and owed.recipient in (moment.view.owner, *moment.faulty)
    )


def grounds_of(owed: Owed, reason: str) -> Callable[[Moment], bool] | None:
    """What must hold for a notice to be dropped for a reason; None where that does not depend on the page."""
    if owed.kind in (FAILED, MENDED):
        return _grounds_of_link(owed, reason)
    found: dict[str, Callable[[Moment], bool]] = {
        "INCIDENT_OVER": lambda moment: (
            moment.view is not None and (moment.view.accepting or moment.incident != owed.incident)
        ),
        "STOPPED_BY_HAND": lambda moment: moment.view is not None and moment.view.stop_cause in ("OWNER", "BOTH"),
        "MEMBER_RECOVERED": lambda moment: moment.view is not None and moment.faulty.keys().isdisjoint(owed.named),
        "NOT_CONCERNED": lambda moment: (
            moment.view is not None and owed.recipient not in (moment.view.owner, *moment.faulty)
        ),
        "STOPPED_AGAIN": lambda moment: moment.view is not None and not moment.view.accepting,
        "PAGE_GONE": lambda moment: moment.view is None,
    }
    return found.get(reason)


def _grounds_of_link(owed: Owed, reason: str) -> Callable[[Moment], bool] | None:
    found: dict[str, Callable[[Moment], bool]] = {
        "INCIDENT_OVER": lambda moment: (
            moment.link is not None and (moment.link.state != "FAILED" or moment.incident != owed.incident)
        ),
        "FAILED_AGAIN": lambda moment: moment.link is not None and moment.link.state == "FAILED",
        "LINK_GONE": lambda moment: moment.link is None,
    }
    return found.get(reason)
