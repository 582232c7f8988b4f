"""Attempts at linking that are under way: whoever ends a link means it, and attempts from before do not link it."""

from dataclasses import dataclass, field


@dataclass(eq=False)
class Attempt:
    """One attempt; `named` is the link that it names, `ended` are the Google accounts whose links ended meanwhile."""

    account: str
    named: str
    superseded: bool = False
    ended: set[str] = field(default_factory=set)

    def void_for(self, subject: str) -> bool:
        """Whether a link was ended that it would link again."""
        return self.superseded or subject in self.ended


class Attempts:
    """All attempts that may still be completed."""

    def __init__(self) -> None:
        self._open: list[Attempt] = []

    def begun(self, account: str, named: str) -> Attempt:
        """Take note of one."""
        attempt = Attempt(account, named)
        self._open.append(attempt)
        return attempt

    def ended(self, account: str, link_id: str, subject: str) -> None:
        """A link was disconnected or deleted."""
        for attempt in self._open:
            if attempt.account == account and attempt.named == link_id:
                attempt.superseded = True
            elif attempt.account == account:
                attempt.ended.add(subject)

    def account_deleted(self, account: str) -> None:
        for attempt in self._open:
            if attempt.account == account:
                attempt.superseded = True

    def over(self, attempt: Attempt) -> None:
        """It was completed, or is given up."""
        self._open.remove(attempt)
