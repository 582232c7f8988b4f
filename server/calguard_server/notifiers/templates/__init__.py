"""The lay-outs of e-mail: one for plain text, one for HTML, for every kind and language."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from calguard_server.notifiers.letter import Letter

_ENVIRONMENT = Environment(
    loader=PackageLoader(__name__, "."),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def text_of(letter: Letter) -> str:
    """Lay a letter out as plain text."""
    return _ENVIRONMENT.get_template("letter.txt.j2").render(letter=letter)


def html_of(letter: Letter) -> str:
    """Lay a letter out as HTML: looks inline, nothing loaded from anywhere."""
    return _ENVIRONMENT.get_template("letter.html.j2").render(letter=letter).lstrip()
