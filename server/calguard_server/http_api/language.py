"""Which language a browser wants, of those that pages are written in."""

import re
from enum import StrEnum

_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
_HEADER_MAX = 500


class Language(StrEnum):
    """The languages of the pages."""

    ENGLISH = "en"
    JAPANESE = "ja"


def preferred_language(accept_language: str) -> Language:
    """Answer the best of an Accept-Language header (RFC 9110, 12.5.4); English where none of it serves."""
    weights: dict[str, float] = {}
    for part in accept_language[:_HEADER_MAX].split(","):
        if match := _RANGE.fullmatch(part):
            name = match[1].lower()
            weights[name] = max(weights.get(name, 0.0), float(match[2] or 1))
    anything = weights.get("*", 0.0)
    return max(Language, key=lambda language: weights.get(language.value, anything))
