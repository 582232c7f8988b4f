"""Reading the bodies of answers. Nothing here raises, whatever the bytes are."""

import msgspec

from calguard_server.google.answers import Answer

JsonObject = dict[str, object]

_NONE: frozenset[str] = frozenset()


def parse_json(body: bytes) -> object:
    """Answer the JSON value of a UTF-8 body; None where it is none."""
    try:
        value: object = msgspec.json.decode(body)
    except (ValueError, RecursionError):  # the latter for brackets nested thousands deep
        return None
    return value


def object_in(value: object, name: str) -> JsonObject | None:
    """Answer the object under a name; None where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else None


def list_in(value: object, name: str) -> list[object] | None:
    """Answer the list under a name; None where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else None


def text_in(value: object, name: str) -> str:
    """Answer the text under a name; empty where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def is_html(answer: Answer, content: object) -> bool:
    """Tell whether an answer that is not JSON is a page: a front end's or a proxy's word, not the API's."""
    if content is not None:
        return False
    return "text/html" in answer.header("content-type").lower() or answer.body.lstrip().startswith(b"<")


def error_reasons(content: object) -> frozenset[str]:
    """Collect all reasons that an error names.

    The token endpoint has `{"error": "invalid_grant"}`. The API has `{"error": {...}}` with `errors[].reason` and,
    from its front end, `details[].reason`; either may be there without the other, and the two may differ.
    """
    error = object_in(content, "error")
    if error is None:
        return frozenset(filter(None, [text_in(content, "error")]))
    return reasons_in(error, "errors") | reasons_in(error, "details")


def reasons_in(value: object, name: str) -> frozenset[str]:
    """Collect the `reason` of each item of the list under a name."""
    listed = list_in(value, name)
    return frozenset(filter(None, (text_in(item, "reason") for item in listed))) if listed else _NONE
