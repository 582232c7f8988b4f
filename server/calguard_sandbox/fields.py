"""Reading what a caller sent, field by field; what is wrong is named."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from calguard_sandbox.errors import BadFieldError


class Fields:
    """A JSON object being read. Each reader raises BadFieldError that names the field."""

    def __init__(self, values: Mapping[str, Any], allowed: frozenset[str], prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix
        for name in values:
            if name not in allowed:
                raise self.wrong(name, f"unknown; expected some of {', '.join(sorted(allowed))}")

    def wrong(self, name: str, message: str) -> BadFieldError:
        """The error for one field of this object."""
        return BadFieldError(f"{self._prefix}{name}", message)

    def raw(self, name: str) -> object:
        """The value as it came, None where it is absent."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self.optional_text(name)
        if value is None:
            raise self.wrong(name, "is required")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text that is not empty, or None where it is absent or null."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self.wrong(name, "must be a text that is not empty")
        return value

    def integer(self, name: str, default: int | None, *, least: int = 0) -> int | None:
        """A whole number of at least that; the default where it is absent or null."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.wrong(name, f"must be a whole number, {least} or more")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.optional_flag(name)
        if value is None:
            raise self.wrong(name, "is required")
        return value

    def optional_flag(self, name: str) -> bool | None:
        """True or false, or None where it is absent or null."""
        value = self.raw(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.raw(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, "must be a list of texts")
        return tuple(value)

    def objects(self, name: str) -> list[Mapping[str, Any]]:
        """A list of objects."""
        value = self.raw(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(name, "must be a list of objects")
        return value

    def time(self, name: str) -> datetime:
        """An RFC 3339 time with its offset from UTC."""
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise self.wrong(name, "must be a time such as 2026-01-05T09:00:00Z") from error
        if moment.tzinfo is None:
            raise self.wrong(name, "must carry its offset from UTC")
        return moment

    def date_or_time(self, name: str) -> date:
        """A date such as 2026-01-05, or a time as `time` reads it."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            return self.time(name)
