"""Messages in Slack that belong together.

1. What first tells somebody of an incident in a channel begins a thread there; what is told later goes under that.
2. A message that is about several incidents goes under a first one only where all of them were first told by that one.
   Else it stands by itself, and begins a thread for those of them only that were not told of there before.
3. The first message is marked as over when every incident that it told of is, whether or not anybody is told so.
"""

from collections.abc import Sequence

from msgspec import Struct


class Post(Struct, frozen=True):
    """A message as it was posted: where it is, and what it says (JSON, as Slack was given it).

    `message_id` is that of the deliveries that went out with it; `over_label` what its title is marked with.
    """

    message_id: str
    workspace_id: str
    channel: str
    ts: str
    content: str
    over_label: str


class Place(Struct, frozen=True):
    """Where a message belongs: under another, or by itself; and whether what comes later may go under it."""

    under: Post | None
    begins: bool


def place_of(told: Sequence[Sequence[Post]], workspace_id: str, channel: str) -> Place:
    """Find the place of a message in a channel; `told` are, of each of its incidents, the first ones, oldest first."""
    here = [[post for post in posts if (post.workspace_id, post.channel) == (workspace_id, channel)] for posts in told]
    if not all(here):
        return Place(None, begins=True)
    firsts = {posts[0].message_id: posts[0] for posts in here}
    return Place(next(iter(firsts.values())) if len(firsts) == 1 else None, begins=not firsts)
