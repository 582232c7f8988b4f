"""The lay-outs of e-mail: one for plain text, one for HTML, for every kind and language."""

from textwrap import wrap

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from calguard_server.domain.account import Locale
from calguard_server.notifiers.letter import Letter

LINE_MAX = 76
"""How long a line of plain text may be; an address is never broken."""

_WITHOUT_SPACES = frozenset({Locale.JAPANESE.value})  # its lines are broken anywhere, by the program that shows them

_ENVIRONMENT = Environment(
    loader=PackageLoader(__name__, "."),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def text_of(letter: Letter) -> str:
    """Lay a letter out as plain text; where words have spaces between them, its lines are broken there."""
    text = _ENVIRONMENT.get_template("letter.txt.j2").render(letter=letter)
    if letter.language in _WITHOUT_SPACES:
        return text
    return "".join(map(_broken, text.splitlines(keepends=True)))


def _broken(line: str) -> str:
    if len(line) <= LINE_MAX:
        return line
    indent = line[: len(line) - len(line.lstrip(" -*"))]
    lines = wrap(line, LINE_MAX, subsequent_indent=" " * len(indent), break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def html_of(letter: Letter) -> str:
    """Lay a letter out as HTML: looks inline, nothing loaded from anywhere."""
    return _ENVIRONMENT.get_template("letter.html.j2").render(letter=letter).lstrip()
