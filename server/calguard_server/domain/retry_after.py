"""The Retry-After header, in both of its forms (RFC 9110, section 10.2.3)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=24)
"""More is not believed: a link must not go unchecked, nor a notice untold, for ever because of one header."""


def parse_retry_after(text: str, now: datetime) -> timedelta | None:
    """Answer how long to wait, from nothing to a day; None where the text asks for nothing that can be understood."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        return LONGEST if len(digits) > 5 else min(timedelta(seconds=int(digits)), LONGEST)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # an offset of "-0000", which says UTC
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta()), LONGEST)
