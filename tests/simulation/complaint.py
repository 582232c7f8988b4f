"""What the model has against the server."""

from dataclasses import fields, is_dataclass


class ComplaintError(AssertionError):
    """Something is not as the rules say; the text tells what."""


def demand(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as `assert`
    """Complain unless something holds."""
    if not holds:
        raise ComplaintError(what)


def same(is_: object, by_rules: object, what: str) -> None:
    """Complain unless something is as the rules have it; of two values of a kind only what differs is shown."""
    if is_ != by_rules:
        raise ComplaintError(f"{what}: {_differences(is_, by_rules)}")


def _differences(is_: object, by_rules: object) -> str:
    if is_dataclass(is_) and is_dataclass(by_rules) and type(is_) is type(by_rules):
        names = (field.name for field in fields(is_) if getattr(is_, field.name) != getattr(by_rules, field.name))
        return "; ".join(f"{name} {_differences(getattr(is_, name), getattr(by_rules, name))}" for name in names)
    return f"is {is_!r}, by the rules {by_rules!r}"
