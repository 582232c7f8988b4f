"""Where the sandbox takes its time and its ids from."""

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]


def real_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the sandbox's one real clock; all else is handed it


def stable_number(name: str) -> str:
    """21 digits that are always the same for a name: an account keeps its id through resets and restarts."""
    return f"1{int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**20:020d}"


def stable_id(kind: str, name: str) -> str:
    """An id of Slack's form that is always the same for a name."""
    return f"{kind}0{hashlib.sha256(f'{kind}/{name}'.encode()).hexdigest()[:9].upper()}"


class Ids:
    """Ids and tokens that follow from a seed and never repeat, also after a reset."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._issued: Counter[str] = Counter()

    def token(self, kind: str, length: int = 32) -> str:
        """The next hexadecimal token of its kind."""
        return hashlib.sha256(f"{self._seed}/{kind}/{self.number(kind)}".encode()).hexdigest()[:length]

    def number(self, kind: str) -> int:
        """The next number of its kind, from 1."""
        self._issued[kind] += 1
        return self._issued[kind]
