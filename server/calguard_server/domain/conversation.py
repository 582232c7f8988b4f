"""Messages in Slack that belong together.

1. What first tells somebody of an incident begins a thread; what is told of it later goes under that.
2. A message that is about several incidents goes under a first one only where all of them were first told by that one.
3. The first message is marked as over when every incident that it told of is.
"""

from msgspec import Struct


class Post(Struct, frozen=True):
    """A message as it was posted: where it is, and what it says (JSON, as Slack was given it)."""

    workspace_id: str
    channel: str
    ts: str
    content: str


class Thread(Struct, frozen=True):
    """What a message goes under; `over`: all that the first message told of is."""

    first: Post
    over: bool
