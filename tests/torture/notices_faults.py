"""Slack and the mail server fail at random."""

from tests.torture.weather import Weather

_BREAKS_OFF = ("network/drop", "network/drop_after", "network/hang", "network/hang_after", "network/garbage")
_NO_ANSWERS = ("slack/503_html", "slack/200_html")
_SLACK: tuple[str | dict[str, object], ...] = (
    *_BREAKS_OFF,
    *_NO_ANSWERS,
    "slack/ratelimited",
    {"status": 429, "headers": {"Retry-After": "3"}, "body": {"ok": False, "error": "ratelimited"}},
    "slack/500",
    "slack/internal_error",
)
_SLACK_METHODS = (
    "chat.postMessage",
    "chat.postMessage",
    "chat.postMessage",
    "users.lookupByEmail",
    "chat.update",
    None,
)
_SMTP: tuple[str, ...] = (*_BREAKS_OFF, "smtp/421", "smtp/450", "smtp/451", "smtp/452", "smtp/data_451")
_FOR_GOOD = ("smtp/550", "slack/is_archived")
_PHASES = ("mail", "rcpt", "data", "data")


class NoticesWeather(Weather):
    """Of Slack and the mail server."""

    def arise(self) -> None:
        for _ in range(self._chance.randint(0, 3)):
            self._slack()
        for _ in range(self._chance.randint(0, 3)):
            self._smtp()
        if self._chance.random() < 0.1:
            self._for_good()

    def broke_off(self) -> int:
        """How often no answer came, or none that can be read: nobody may know then what came of a message."""
        return sum(self.struck[name] for name in (*_BREAKS_OFF, *_NO_ANSWERS))

    def refused_for_good(self) -> int:
        return sum(self.struck[name] for name in _FOR_GOOD)

    def _slack(self) -> None:
        self._sandbox.fault(
            self._chance.choice(_SLACK),
            surface="slack",
            endpoint=self._chance.choice(_SLACK_METHODS),
            times=self._chance.randint(1, 4),
            after=self._chance.randint(0, 3),
        )

    def _smtp(self) -> None:
        fault = self._chance.choice(_SMTP)
        phase = self._chance.choice(_PHASES) if fault in _BREAKS_OFF else None
        times, after = self._chance.randint(1, 4), self._chance.randint(0, 3)
        self._sandbox.fault(fault, surface="smtp", endpoint=phase, times=times, after=after)

    def _for_good(self) -> None:
        fault = self._chance.choice(_FOR_GOOD)
        endpoint = "chat.postMessage" if fault.startswith("slack") else None
        self._sandbox.fault(fault, endpoint=endpoint, times=1, after=self._chance.randint(0, 3))
