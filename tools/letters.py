"""Writes every kind of notice as people get it by e-mail, to look at: `python -m tools.letters FOLDER`.

One page (.html) and one plain text (.txt, with the subject) for each kind, variant and language, made of the templates
and words that are sent. Open them in a browser, narrow and wide, light and dark.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from calguard_server.domain.account import Locale
from calguard_server.notifiers.envelope import CARDS_MAX, LINES_MAX
from calguard_server.notifiers.letter import compose
from calguard_server.notifiers.message import NoticeMessage
from calguard_server.notifiers.templates import html_of, text_of
from tools.sample_notices import samples


def main(arguments: Sequence[str]) -> int:
    """Write them; answers 2 where no folder is named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tools.letters FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in letters():
        (folder / name).write_text(content, encoding="utf-8")
    return 0


def letters() -> Iterator[tuple[str, str]]:
    """Name each file, with what is in it."""
    for locale in Locale:
        for name, message in samples(locale).items():
            yield from _written(f"{name}.{locale.value}", replace(message, locale=locale))


def _written(name: str, message: NoticeMessage) -> Iterator[tuple[str, str]]:
    letter = compose(message, lines_max=LINES_MAX, cards_max=CARDS_MAX)
    yield f"{name}.html", html_of(letter)
    yield f"{name}.txt", f"{letter.subject}\n\n{text_of(letter)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
