"""The workspaces: the seeded one, and those that were added. A token belongs to one of them."""

from collections.abc import Iterator

from calguard_sandbox.errors import BadFieldError, NotKnownError
from calguard_sandbox.options import SLACK_TEAM
from calguard_sandbox.slack.state import SlackState


class SlackWorkspaces:
    """Every workspace, by the id of its team. What they receive is noted in the same journals."""

    def __init__(self, first: SlackState) -> None:
        self.first = first
        self._others: dict[str, SlackState] = {}

    def __iter__(self) -> Iterator[SlackState]:
        return iter((self.first, *self._others.values()))

    def add(self, team: str, token: str, name: str = "") -> SlackState:
        """A new workspace, with that token, and channels and people of the seeded names."""
        if not team or any(each.team == team for each in self):
            raise BadFieldError("team", "taken already, or empty")
        if any(token in each.tokens for each in self):
            raise BadFieldError("token", "taken already")
        journals = self.first.messages, self.first.updates
        made = SlackState(self.first.now, self.first.ids, team=team, name=name or team, token=token, journals=journals)
        self._others[team] = made
        return made

    def get(self, team: str = SLACK_TEAM) -> SlackState:
        """The workspace of a team. Raises NotKnownError."""
        found = next((each for each in self if each.team == team), None)
        if found is None:
            raise NotKnownError("Slack workspace", team)
        return found

    def of_token(self, token: str | None) -> SlackState:
        """The workspace that a token belongs to; the first, which will refuse it, where it is of none."""
        return next((each for each in self if token in each.tokens), self.first)

    def reset(self) -> None:
        """Back to the seeded one alone."""
        self._others.clear()
        self.first.reset()
