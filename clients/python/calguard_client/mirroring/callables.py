"""What a mirror is given to call."""

import inspect
from collections.abc import Callable
from typing import Any


def refuse_coroutines(name: str, function: Callable[..., Any]) -> None:
    """Raise ValueError for a coroutine function: its coroutine would be thrown away, or be taken for an answer."""
    if inspect.iscoroutinefunction(function):
        raise ValueError(f"{name}: expected a plain function, not a coroutine function: nobody would await it")
