"""Google fails at random where appointments are decided, written and removed."""

from datetime import timedelta

from tests.torture.weather import Weather

_ANYWHERE = (
    "network/drop",
    "network/drop_after",
    "network/drop_after",
    "network/hang",
    "network/hang_after",
    "network/garbage",
    "network/cut_short",
    "api/backendError",
    "api/internalError",
    "api/503_html",
    "api/429_rateLimitExceeded",
)
_INSERT = ("api/duplicate",)
_ENDPOINTS = ("events.insert", "events.insert", "events.delete", "events.delete", "events.get", "freebusy")


class GoogleWeather(Weather):
    """Each is a passing fault: none says that a link is broken."""

    longest = timedelta(seconds=60)

    def arise(self) -> None:
        for _ in range(self._chance.randint(0, 4)):
            endpoint = self._chance.choice(_ENDPOINTS)
            faults = (*_ANYWHERE, *_INSERT) if endpoint == "events.insert" else _ANYWHERE
            self._sandbox.fault(
                self._chance.choice(faults),
                surface="google",
                endpoint=endpoint,
                times=self._chance.randint(1, 4),
                after=self._chance.randint(0, 3),
            )
