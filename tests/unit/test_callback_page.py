"""The words of the callback page, and whose language they are in."""

import pytest

from calguard_server.http_api.language import Language, preferred_language
from calguard_server.http_api.outcome import Outcome
from calguard_server.http_api.page import WORDS, CallbackPage


@pytest.mark.parametrize("language", Language)
def test_every_outcome_has_its_words(language: Language) -> None:
    texts, _ = WORDS[language]
    assert set(texts) == set(Outcome)
    assert all(text.title and text.told and text.next_step for text in texts.values())


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
        ("ja," * 10_000, Language.JAPANESE),
    ],
)
def test_the_language_is_the_browsers(header: str, language: Language) -> None:
    assert preferred_language(header) is language


def test_without_a_support_address_none_is_offered() -> None:
    assert "<a " not in CallbackPage().render(Outcome.DECLINED, Language.ENGLISH)
