"""Which characters a text of one line may have, and whether anything of it is seen.

What turns the direction of writing is refused, because it would turn what stands around the text, too: in a mail's
subject, in a log. The marks that only say of which direction they are themselves (U+200E, U+200F, U+061C) are not, nor
are the joiners (U+200C, U+200D): scripts and emoji need them.
"""

import re
import unicodedata

_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""C0, DEL, C1; Unicode's line and paragraph separators; its embeddings, overrides and isolates."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a symbol, by their categories, that look like a blank."""

_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn"})
"""Controls, formats, separators; and marks that are seen on another character only."""

_TAGS = range(0xE0000, 0xE1000)
"""Never seen, assigned or not."""


def is_one_line(text: str) -> bool:
    """Whether a text has no line breaks, no control characters and none that turns the direction of writing."""
    return _REFUSED.search(text) is None


def is_seen(text: str) -> bool:
    """Whether a text has a character that is seen. One that Unicode did not know yet, such as new emoji, is."""
    return any(
        unicodedata.category(each) not in _UNSEEN and each not in _BLANK and ord(each) not in _TAGS for each in text
    )
