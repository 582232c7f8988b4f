"""What is traced: pieces of work that take time, told to whoever collects traces, if anybody does."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attribute = str | int


class Span(Protocol):
    """A piece of work under way."""

    def tell(self, attributes: Mapping[str, Attribute]) -> None:
        """Add what is known of it by now. Ids and names only: whoever collects traces may not know secrets."""
        ...


class Tracer(Protocol):
    """Collects spans."""

    def span(self, name: str, attributes: Mapping[str, Attribute]) -> AbstractContextManager[Span]:
        """Open a span for as long as the context is entered; what is opened within it belongs to it."""
        ...


class _Nothing:
    """Collects nothing."""

    def span(self, name: str, attributes: Mapping[str, Attribute]) -> AbstractContextManager[Span]:  # noqa: ARG002
        """Answer what does nothing."""
        return _UNTRACED

    def tell(self, attributes: Mapping[str, Attribute]) -> None:
        """Do nothing."""


_NOTHING = _Nothing()
_UNTRACED = nullcontext[Span](_NOTHING)
UNTRACED: Tracer = _NOTHING
"""Collects nothing, and costs next to nothing."""
