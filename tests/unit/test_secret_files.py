"""Secrets from files: which settings may be given so, what is read, and what is refused without showing any of it."""

from pathlib import Path

import pytest

from calguard_server.secret_files import exposed_secret_files, read_secret_files, secret_names
from calguard_server.settings.server import Settings

SECRET = "hunter2-hunter2"
NAME = "CALGUARD_SLACK_BOT_TOKEN"


def given(path: object, **environment: str) -> tuple[dict[str, str], dict[str, str]]:
    return read_secret_files(Settings, {f"{NAME}_FILE": str(path), **environment})


def written(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_every_secret_setting_and_no_other_may_be_given_as_a_file() -> None:
    """By its type: a setting that is added as a secret is among them."""
    assert secret_names(Settings) == [
        "CALGUARD_TOKEN_KEYS",
        "CALGUARD_GOOGLE_CLIENT_SECRET",
        "CALGUARD_SLACK_BOT_TOKEN",
        "CALGUARD_SMTP_URL",
    ]


@pytest.mark.parametrize("content", [b"hunter2-hunter2", b"hunter2-hunter2\n", b"  hunter2-hunter2\r\n\n"])
def test_a_secret_is_read_without_the_space_around_it(tmp_path: Path, content: bytes) -> None:
    """Editors and `echo` end a file with a line's end."""
    assert given(written(tmp_path, content)) == ({NAME: SECRET}, {})


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_name_of_a_file_is_none(empty: str | None) -> None:
    environment = {} if empty is None else {f"{NAME}_FILE": empty}
    assert read_secret_files(Settings, environment) == ({}, {})


def test_an_empty_setting_beside_its_file_is_none(tmp_path: Path) -> None:
    assert given(written(tmp_path, SECRET.encode()), **{NAME: ""}) == ({NAME: SECRET}, {})


def test_both_are_refused_by_both_names(tmp_path: Path) -> None:
    """Nobody could say which is meant."""
    held, wrong = given(written(tmp_path, SECRET.encode()), **{NAME: "another"})
    assert held == {}
    assert wrong == {NAME: f"{NAME} and {NAME}_FILE are both set: expected one of them"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe" + SECRET.encode(), "expected text in UTF-8"),
        (b"\0" + SECRET.encode(), "expected text"),
        (SECRET.encode() * 5_000, "expected at most 65536 bytes"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_by_name(tmp_path: Path, content: bytes, expected: str) -> None:
    path = written(tmp_path, content)
    held, wrong = given(path)
    assert held == {}
    assert wrong == {NAME: f"{NAME}_FILE: {path}: {expected}"}


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    reasons = {tmp_path / "nowhere": "No such file or directory", tmp_path: "Is a directory"}
    for path, reason in reasons.items():
        assert given(path)[1] == {NAME: f"{NAME}_FILE: {path}: cannot be read: {reason}"}


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_file_for_every_user_of_the_machine_is_told(tmp_path: Path, mode: int, *, exposed: bool) -> None:
    """Its group may read it: that is how a service's user often gets it."""
    path = written(tmp_path, SECRET.encode(), mode)
    found = exposed_secret_files(Settings, {f"{NAME}_FILE": str(path)})
    assert found == ([(f"{NAME}_FILE", str(path))] if exposed else [])
