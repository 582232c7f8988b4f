"""The operator is alerted once a day for each reason: of what only the operator can mend, and of what is DEAD."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.simulation.complaint import demand
from tests.simulation.link_rules import OPERATOR

CHANNELS = ("EMAIL", "SLACK")
SOON = timedelta(seconds=2)
"""An alert is owed right after what it is about; it may be the next day by then."""

Met = Iterable[tuple[datetime, str]]


def check_alerts(there: set[str], owed: Met, perhaps: Met) -> None:
    """Compare the alerts in the ledger with what there was to alert of."""
    for time, reason in owed:
        for channel in CHANNELS:
            wanted = {_alert(time + later, reason, channel) for later in (timedelta(), SOON)}
            demand(bool(wanted & there), f"the operator is not alerted of {reason}, which was met at {time}")
    known = {
        _alert(time + later, reason, channel)
        for time, reason in (*owed, *perhaps)
        for channel in CHANNELS
        for later in (timedelta(), SOON)
        if reason in OPERATOR or reason.startswith("DELIVERY_DEAD_")
    }
    demand(there <= known, f"the operator is alerted without a reason: {sorted(there - known)}")


def _alert(time: datetime, reason: str, channel: str) -> str:
    return f"operator-{reason}-{time:%Y%m%d}-{channel}"
