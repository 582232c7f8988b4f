"""The seam of channels: what a way of telling people has to be. docs/channels.md tells how to add one."""

from typing import Protocol

from calguard_server.domain.delivery import Outcome
from calguard_server.notifiers.message import Address, NoticeMessage


class NotifierHook(Protocol):
    """A channel by which people are told.

    1. A call is one try, and ends within a time-out of the channel's own. Retries are the delivery loop's.
    2. Nothing is raised for what the receiver answers, for its silence, or where it cannot be reached.
    3. `permanent` is what the receiver refuses for good, `doubtful` what may have been received although nobody said
       so, `retry_after` what it asked to wait. Whatever is not clearly understood is tried again.
    4. What the receiver knows a message by comes of `message.message_id` alone: the same at each try, and never that of
       another message.
    5. No secret is in an outcome or in the log, and no text of other people's forges a header or runs as markup.

    `tests/contract/test_channels.py` holds every channel to that.
    """

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        """Try once to send a message."""
        ...
