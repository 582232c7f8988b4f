"""The page, laid out: plain HTML that needs no script, with one style sheet that its policy names by hash."""

import base64
import hashlib
from pathlib import Path

import jinja2

from calguard_server.domain.account import Locale
from calguard_server.domain.addresses import THIRD_PARTY_ACCESS_URL, relink_url
from calguard_server.engine.revoking import Revocation
from calguard_server.http_api.english import ENGLISH
from calguard_server.http_api.japanese import JAPANESE
from calguard_server.http_api.language import Language
from calguard_server.http_api.outcome import Outcome, Told
from calguard_server.notifiers.wording import WORDINGS

WORDS = {Language.ENGLISH: ENGLISH, Language.JAPANESE: JAPANESE}

_TEMPLATES = Path(__file__).parent / "templates"

_NO_WAY_BACK = frozenset({Outcome.CONNECTED, Outcome.WAIT, Outcome.CONTACT_SUPPORT, Outcome.GONE})
"""There is nothing to connect again, or no use in it."""


class CallbackPage:
    """Lays out what is told.

    `support_url` is offered on each page where it is set. So is `relink_url` where connecting again helps: a template
    with `{account_id}` and `{calendar_link_id}`, offered where both are known as far as it holds them.
    """

    def __init__(self, support_url: str = "", relink_url: str = "") -> None:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._template = environment.get_template("callback.html.j2")
        self._style = (_TEMPLATES / "callback.css").read_text()
        self._support_url = support_url
        self._relink_url = relink_url

    def render(self, told: Told, language: Language) -> str:
        """Answer the page."""
        words = WORDS[language]
        fault = None if told.fault is None else WORDINGS[Locale(language.value)].reasons[told.fault]
        return self._template.render(
            language=language.value,
            style=self._style,
            well=told.outcome is Outcome.CONNECTED,
            text=words.texts[told.outcome],
            labels=words.labels,
            fault=fault,
            told=told,
            unticked=[words.boxes[capability] for capability in told.unticked],
            again_url=self._again_url(told),
            again=words.labels.choose if told.outcome is Outcome.CHOOSE_CALENDARS else words.labels.again,
            withdrawn=told.grant is Revocation.CONFIRMED,
            access_url=THIRD_PARTY_ACCESS_URL if told.grant is Revocation.UNCONFIRMED else "",
            support_url=self._support_url,
        )

    def _again_url(self, told: Told) -> str:
        if told.outcome in _NO_WAY_BACK:
            return ""
        return relink_url(self._relink_url, account_id=told.account_id, calendar_link_id=told.calendar_link_id)

    @property
    def policy(self) -> str:
        """The page's Content-Security-Policy: nothing is loaded, nothing runs, nobody frames it."""
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
