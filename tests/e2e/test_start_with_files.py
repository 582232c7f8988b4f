"""A server whose secrets come from files, as systemd, Docker and Kubernetes hand them over."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from tests.e2e.operating import Operation, new_key, operating

SECRETS = ("TOKEN_KEYS", "GOOGLE_CLIENT_SECRET", "SLACK_BOT_TOKEN", "SMTP_URL")


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    async with operating(tmp_path) as running:
        yield running


def put_into_files(operation: Operation, mode: int = 0o600) -> dict[str, Path]:
    """Move every secret from the environment to a file."""
    files = {}
    for name in SECRETS:
        files[name] = operation.folder / name.lower()
        files[name].write_text(operation.environment.pop(f"CALGUARD_{name}") + "\n")
        files[name].chmod(mode)
        operation.environment[f"CALGUARD_{name}_FILE"] = str(files[name])
    return files


def environment_of(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


async def test_it_serves_with_every_secret_from_a_file(operation: Operation) -> None:
    """Nothing of them is in its environment; keys may stand one a line, and each opens what it sealed."""
    files = put_into_files(operation)
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")
    environment = environment_of(serving.process.pid)
    assert not [name for name, file in files.items() if file.read_text().strip() in environment]
    assert "every user" not in serving.process.printed
    assert "not a setting" not in serving.process.printed
    await serving.stop()
    files["TOKEN_KEYS"].write_text(f"{new_key()}\n{files['TOKEN_KEYS'].read_text()}\n")
    serving = await operation.serve()
    assert (await serving.stubs.check(link.id)).state == links_pb.CALENDAR_LINK_STATE_LINKED
    assert (await operation.run("rotate-keys")).code == 0


async def test_files_for_every_user_are_warned_of(operation: Operation) -> None:
    """Kubernetes makes them so in a container of one user: it is no reason not to start."""
    files = put_into_files(operation, mode=0o644)
    serving = await operation.serve()
    warned = {event["name"] for event in serving.process.events if "every user" in str(event["event"])}
    assert warned == {f"CALGUARD_{name}_FILE" for name in files}


async def test_every_bad_file_is_told_at_once_in_a_line_each(operation: Operation) -> None:
    """Also beside settings that are bad otherwise; a setting is told of once."""
    files = put_into_files(operation)
    files["TOKEN_KEYS"].unlink()
    files["SMTP_URL"].write_text("http://user:hunter2-hunter2@example.com")
    operation.set(google_client_secret="another", listen="nowhere")
    ended = await operation.run()
    assert ended.code == os.EX_CONFIG
    lines = ended.said.splitlines()
    said = [line.removeprefix("calguard-server: CALGUARD_") for line in lines]
    assert said[:3] == [
        f"TOKEN_KEYS_FILE: {files['TOKEN_KEYS']}: cannot be read: No such file or directory",
        "GOOGLE_CLIENT_SECRET and CALGUARD_GOOGLE_CLIENT_SECRET_FILE are both set: expected one of them",
        "LISTEN: expected HOST:PORT, such as 127.0.0.1:50051 (port 0: any that is free)",
    ]
    assert said[3].startswith("SMTP_URL_FILE: the URL begins with neither smtp:// nor smtps://")
    assert len(said) == 4
    assert "hunter2" not in ended.said
