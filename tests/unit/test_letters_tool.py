"""The letters that are written to look at."""

from pathlib import Path

import pytest

from calguard_server.domain.account import Locale
from calguard_server.domain.notices import NoticeKind
from tools.letters import main
from tools.sample_notices import samples


@pytest.mark.parametrize("locale", Locale)
def test_every_kind_is_there(locale: Locale) -> None:
    """A kind that is added needs a sample."""
    assert {message.kind for message in samples(locale).values()} == set(NoticeKind)


def test_they_are_written(tmp_path: Path) -> None:
    """A page and a text for each, with what people read in it."""
    assert main([str(tmp_path / "new")]) == 0
    names = {f"{name}.{locale.value}" for locale in Locale for name in samples(locale)}
    written = {path.name for path in (tmp_path / "new").iterdir()}
    assert written == {f"{name}{ending}" for name in names for ending in (".html", ".txt")}
    assert "Intro call and 2 more" in (tmp_path / "new" / "page_stopped_several.en.txt").read_text(encoding="utf-8")


def test_a_folder_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """Else nothing is written anywhere."""
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
