"""Asks Slack again and again whether a workspace that is broken works again, beginning at the start."""

from datetime import timedelta

from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.slack_workspaces import SlackWorkspaces

PAUSE = timedelta(minutes=10)


class SlackReview:
    """Runs until it is cancelled."""

    def __init__(self, workspaces: SlackWorkspaces, clock: Clock) -> None:
        self._workspaces = workspaces
        self._clock = clock

    async def run(self) -> None:
        """Review, from time to time."""
        while True:
            await self._workspaces.review()
            await self._clock.sleep(PAUSE)
