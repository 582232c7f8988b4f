"""Other people's texts, made harmless in themselves before any channel escapes them its own way."""

import hashlib
import re
import unicodedata

NAME_MAX = 60
TITLE_MAX = 80
EMAIL_MAX = 254
_ID_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,40}")
_JOINERS = "\u200c\u200d"  # emoji, and the scripts that need them, are written with these


def one_line(text: str, length_max: int) -> str:
    """Answer the text on one line, cut to a length, without controls: no line break, no change of direction."""
    shown = "".join(_shown(character) for character in text)
    line = " ".join(shown.split())
    return line if len(line) <= length_max else line[: length_max - 1].rstrip() + "…"


def id_token(text: str) -> str:
    """Answer an id as any header can hold it; another id is another token."""
    return text if _ID_TOKEN.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:32]


def _shown(character: str) -> str:
    if character in _JOINERS:
        return character
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf" | "Cs":
            return ""
        case _:
            return character
