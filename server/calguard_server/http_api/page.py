"""The page, laid out: plain HTML that needs no script, with one style sheet that its policy names by hash."""

import base64
import hashlib
from pathlib import Path

import jinja2

from calguard_server.http_api.english import ENGLISH, ENGLISH_LABELS
from calguard_server.http_api.japanese import JAPANESE, JAPANESE_LABELS
from calguard_server.http_api.language import Language
from calguard_server.http_api.outcome import Outcome

WORDS = {Language.ENGLISH: (ENGLISH, ENGLISH_LABELS), Language.JAPANESE: (JAPANESE, JAPANESE_LABELS)}

_TEMPLATES = Path(__file__).parent / "templates"


class CallbackPage:
    """Lays out what is told; `support_url` is offered on each page where it is set."""

    def __init__(self, support_url: str = "") -> None:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._template = environment.get_template("callback.html.j2")
        self._style = (_TEMPLATES / "callback.css").read_text()
        self._support_url = support_url

    def render(self, outcome: Outcome, language: Language, account: str = "") -> str:
        """Answer the page of an outcome; `account` is the Google account's address, where it is known."""
        texts, labels = WORDS[language]
        return self._template.render(
            language=language.value,
            style=self._style,
            text=texts[outcome],
            well=outcome is Outcome.CONNECTED,
            labels=labels,
            account=account,
            support_url=self._support_url,
        )

    @property
    def policy(self) -> str:
        """The page's Content-Security-Policy: nothing is loaded, nothing runs, nobody frames it."""
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
