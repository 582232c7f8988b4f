"""`calguard-server check`: a line for each thing that was looked at, and an exit code for all of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calguard_server.domain.secret import Secret
from calguard_server.store.vault import fingerprint
from tests.e2e.operating import Ended, Operation, new_key, operating
from tests.leaks import MAIL_PASSWORD


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    async with operating(tmp_path, smtp_user="calguard", smtp_password=MAIL_PASSWORD) as running:
        yield running


def results(ended: Ended) -> dict[str, list[str]]:
    """What was found, by name: each its result and its detail."""
    head, *lines = ended.printed.splitlines()
    assert head.split() == ["CHECK", "RESULT", "DETAIL"]
    found: dict[str, list[str]] = {}
    for line in lines:
        name, told = line.split(maxsplit=1)
        found.setdefault(name, []).append(" ".join(told.split()))
    return found


async def test_all_is_in_order(operation: Operation) -> None:
    """Beside the server that runs; asked, Google, Slack and the mail server know us."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    await operation.link(serving.stubs, "ann")
    ended = await operation.run("check", "--online")
    assert ended.code == 0, ended.printed
    found = results(ended)
    key = fingerprint(Secret(operation.environment["CALGUARD_TOKEN_KEYS"]))
    assert list(found) == [
        "settings", "callers", "disk", "database", "schema", "integrity", "keys", "google", "slack", "mail",
    ]  # fmt: skip
    assert found["settings"] == ["ok in order; 4 secrets, 0 of them from files"]
    assert found["callers"] == [
        "warning neither AUTH_TOKENS_FILE nor AUTH_JWT_ISSUER is set: whoever can connect may call"
    ]
    assert found["database"][0].startswith(f"ok {operation.database}: store-")
    assert found["integrity"] == ["ok every page and index is in order"]
    assert found["keys"][0].endswith(f"secrets, all under {key}, the first of TOKEN_KEYS")
    assert found["google"] == ["ok the OAuth client is known"]
    assert found["slack"] == ["ok workspace Sandbox"]
    assert found["mail"][0].endswith(", logged in")
    assert operation.sandbox.mail.received.records == []


async def test_nobody_is_asked_unless_that_is_asked_for(operation: Operation) -> None:
    """Before the first start there is no database, which is no fault, and none is made."""
    ended = await operation.run("check")
    assert ended.code == 0
    assert results(ended)["database"] == [f"warning {operation.database}: there is none yet: the first start makes it"]
    assert operation.sandbox.google_requests.records + operation.sandbox.slack_requests.records == []
    assert not operation.database.exists()


async def test_what_each_far_end_has_against_us(operation: Operation) -> None:
    """By the setting that is wrong, without the secret."""
    operation.set(
        google_client_secret="not-the-secret",
        slack_bot_token="xoxb-unknown",
        smtp_url="smtp://127.0.0.1:9?starttls=off",
    )
    ended = await operation.run("check", "--online")
    assert ended.code == 1
    found = results(ended)
    assert found["google"] == ["FAILED it does not accept GOOGLE_CLIENT_ID with this GOOGLE_CLIENT_SECRET"]
    assert found["slack"] == ["FAILED it does not accept SLACK_BOT_TOKEN: invalid_auth"]
    assert found["mail"][0].startswith("FAILED 127.0.0.1:9: ")


async def test_far_ends_that_are_away(operation: Operation) -> None:
    """Told apart from those that refuse us."""
    nowhere = "http://127.0.0.1:9/"
    operation.set(google_token_uri=nowhere, slack_base_url=nowhere)
    found = results(await operation.run("check", "--online"))
    assert found["google"][0].startswith("FAILED GOOGLE_TOKEN_URI answers otherwise than expected: ")
    assert found["slack"] == ["FAILED SLACK_BASE_URL cannot be reached, or does not answer as Slack does"]


async def test_what_is_not_set_up_is_skipped(operation: Operation) -> None:
    operation.set(google_client_id="", google_client_secret="", slack_bot_token="", smtp_url="")
    ended = await operation.run("check", "--online")
    assert ended.code == 0
    found = results(ended)
    assert {name: found[name][0].split()[0] for name in ("google", "slack", "mail")} == {
        "google": "skipped", "slack": "skipped", "mail": "skipped",
    }  # fmt: skip


async def test_a_wrong_password_is_told_and_not_shown(operation: Operation) -> None:
    url = operation.environment["CALGUARD_SMTP_URL"]
    operation.set(smtp_url=url.replace(MAIL_PASSWORD, "another-password"))
    ended = await operation.run("check", "--online")
    assert ended.code == 1
    assert "535" in results(ended)["mail"][0]
    assert "another-password" not in ended.printed + ended.said


async def test_bad_settings_are_lines_of_the_check(operation: Operation) -> None:
    """Each a line; what needs them is skipped, and the rest is looked at all the same."""
    assert (await operation.run("migrate")).code == 0
    operation.set(token_keys="no-key", listen="nowhere", no_such_setting="1")
    ended = await operation.run("check", "--online")
    assert ended.code == 1
    found = results(ended)
    assert [line.split(":")[0] for line in found["settings"]] == [
        "FAILED CALGUARD_TOKEN_KEYS",
        "FAILED CALGUARD_LISTEN",
        "warning CALGUARD_NO_SUCH_SETTING",
    ]
    assert found["integrity"] == ["ok every page and index is in order"]
    assert found["keys"] == ["skipped they take good TOKEN_KEYS"]
    assert found["online"] == ["skipped it takes settings that are in order"]
    assert "no-key" not in ended.printed


async def test_keys_that_do_not_open_everything(operation: Operation) -> None:
    """Older keys are to be rotated; missing ones, and what none opens, are faults, named by whose it is."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")
    await serving.stop()
    old, new = operation.environment["CALGUARD_TOKEN_KEYS"], new_key()
    behind = await operation.run("check", token_keys=f"{new},{old}")
    assert behind.code == 0
    assert results(behind)["keys"][0].endswith(f"are under older keys than {fingerprint(Secret(new))}: rotate-keys")
    lost = await operation.run("check", token_keys=new)
    assert lost.code == 1
    assert results(lost)["keys"] == [
        f"FAILED secrets are stored under key {fingerprint(Secret(old))}, which is not in TOKEN_KEYS",
        f"FAILED no key opens the secret of calendar link {link.id}",
    ]


async def test_a_database_that_is_damaged_or_another_programs(operation: Operation) -> None:
    assert (await operation.run("migrate")).code == 0
    content = operation.database.read_bytes()
    operation.database.write_bytes(content[:-4096] + bytes(range(256)) * 16)
    damaged = await operation.run("check")
    assert damaged.code == 1
    assert any(line.startswith("FAILED it is damaged: restore a backup") for line in results(damaged)["integrity"])
    operation.database.unlink()
    operation.database.write_bytes(b"dear diary, " * 100)
    letter = await operation.run("check")
    assert letter.code == 1
    assert results(letter)["database"][0].startswith(f"FAILED {operation.database}: it is not a database")


async def test_tokens_of_callers_are_looked_at(operation: Operation) -> None:
    """As the server would read them at its start."""
    tokens = operation.folder / "tokens"
    made = await operation.run("new-token", "booking", "writer")
    tokens.write_text(made.said)
    operation.set(auth_tokens_file=str(tokens))
    assert results(await operation.run("check"))["callers"] == ["ok 1 are known"]
    tokens.write_text("booking writer " + made.printed)
    bad = await operation.run("check")
    assert bad.code == 1
    assert results(bad)["callers"][0].startswith(
        f"FAILED CALGUARD_AUTH_TOKENS_FILE: {tokens}, line 1: expected sha256:"
    )
    assert made.printed.strip() not in bad.printed + bad.said
