"""What a reader of requests refuses."""

from collections.abc import Callable

from calguard_server.domain.errors import InvalidArgumentError


def wrong_fields(read: Callable[..., object], *args: object) -> list[str]:
    """Name what a reader refuses; every refusal says what was expected."""
    try:
        read(*args)
    except InvalidArgumentError as refusal:
        assert refusal.reason == "INVALID_FIELD"  # noqa: PT017 - some calls are refused, some are not
        assert all(each.expected for each in refusal.violations)  # noqa: PT017
        return [each.field for each in refusal.violations]
    return []
