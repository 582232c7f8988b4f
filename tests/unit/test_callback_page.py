"""The words of the callback page, and whose language they are in."""

import re

import pytest

from calguard_server.domain.causes import Capability
from calguard_server.domain.errors import CalguardError
from calguard_server.engine.linking import Linking
from calguard_server.http_api.language import Language, preferred_language
from calguard_server.http_api.outcome import Outcome, Told
from calguard_server.http_api.page import WORDS, CallbackPage
from calguard_server.http_api.telling import refused


@pytest.mark.parametrize("language", Language)
def test_every_outcome_has_its_words(language: Language) -> None:
    words = WORDS[language]
    assert set(words.texts) == set(Outcome)
    assert set(words.boxes) == set(Capability)
    assert all(text.title and text.told and text.next_step for text in words.texts.values())


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.ENGLISH),
        ("ja", Language.JAPANESE),
        ("ja-JP,ja;q=0.9,en;q=0.8", Language.JAPANESE),
        ("en-US,en;q=0.9,ja;q=0.8", Language.ENGLISH),
        ("en;q=0.2, JA;q=0.7", Language.JAPANESE),
        ("fr, de", Language.ENGLISH),
        ("fr, ja;q=0.1", Language.JAPANESE),
        ("ja;q=0", Language.ENGLISH),
        ("en;q=0, *", Language.JAPANESE),
        ("*", Language.ENGLISH),
        ("ja;q=abc", Language.ENGLISH),
        (";;;,,,q=1", Language.ENGLISH),
        ("jargon", Language.ENGLISH),
        ("ja;q=0.5, en-US;q=0.3, en;q=0.9", Language.ENGLISH),
        ("en;q=0.8, ja-JP;q=0.8, ja;q=0.9", Language.JAPANESE),
        ("ja ; q=0.001", Language.JAPANESE),
        ("ja;q=1.5, en;q=0.1", Language.ENGLISH),
        ("en;q=0, ja;q=0", Language.ENGLISH),
        ("ja," * 10_000, Language.JAPANESE),
    ],
)
def test_the_language_is_the_browsers(header: str, language: Language) -> None:
    assert preferred_language(header) is language


def test_without_a_support_address_none_is_offered() -> None:
    assert "<a " not in CallbackPage().render(Told(Outcome.DECLINED), Language.ENGLISH)


def test_every_reason_that_an_attempt_is_refused_for_has_words_of_its_own() -> None:
    named = re.findall(r"`([A-Z_]+)`", Linking.complete.__doc__ or "")
    assert len(named) > 10
    for reason in (*named, "ACCOUNT_NOT_FOUND", "CALENDAR_LINK_NOT_FOUND", "PROVIDER_UNREACHABLE"):
        _, told = refused(CalguardError(reason, "no"))
        assert told.outcome is not Outcome.FAILED, reason


RELINK = "https://app.example.com/{account_id}/links/{calendar_link_id}"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("outcome", Outcome)
def test_connecting_again_is_offered_wherever_it_helps(language: Language, outcome: Outcome) -> None:
    page = CallbackPage(relink_url=RELINK)
    offered = page.render(Told(outcome, account_id="ann", calendar_link_id="link-1"), language)
    of_no_use = {Outcome.CONNECTED, Outcome.WAIT, Outcome.CONTACT_SUPPORT, Outcome.GONE}
    assert ('href="https://app.example.com/ann/links/link-1"' in offered) == (outcome not in of_no_use)


def test_connecting_again_is_not_offered_where_the_address_needs_what_is_not_known() -> None:
    told = Told(Outcome.EXPIRED, account_id="ann")
    assert "<a " not in CallbackPage(relink_url=RELINK).render(told, Language.ENGLISH)
    only_account = CallbackPage(relink_url="https://app.example.com/{account_id}")
    assert 'href="https://app.example.com/ann"' in only_account.render(told, Language.ENGLISH)
    assert "<a " not in only_account.render(Told(Outcome.UNKNOWN), Language.ENGLISH)


def test_an_address_to_connect_again_holds_no_markup() -> None:
    told = Told(Outcome.EXPIRED, account_id='"><script>', calendar_link_id="../x?y&z")
    text = CallbackPage(relink_url=RELINK).render(told, Language.ENGLISH)
    assert 'href="https://app.example.com/%22%3E%3Cscript%3E/links/..%2Fx%3Fy%26z"' in text
