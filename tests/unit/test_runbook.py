"""docs/operations.md can be followed: what it has people type is there; its installation makes what the unit needs."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from calguard_client.cli import main as client
from calguard_server.commands.arguments import read_arguments

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SECRETS = ROOT / "deploy/systemd/secrets"
PROGRAMS = ("calguard", "calguard-server", "calguard-run")


def typed() -> Iterator[str]:
    """The command lines of ours: those of blocks, and those within the text."""
    for block in BLOCKS:
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|\||[();]", line.replace("$(date +%F)", "DAY")):
                yield re.sub(r"\d?>>?.*|\s#.*", "", part).strip()
    for spelt in re.findall(r"`([^`\n]+)`", PAGE):
        yield spelt.replace("...", "")


COMMANDS = sorted({line for line in typed() if line.partition(" ")[0] in PROGRAMS and " " in line})


def test_it_has_commands() -> None:
    assert {line.partition(" ")[0] for line in COMMANDS} == set(PROGRAMS)
    assert "calguard-run check --online" in COMMANDS
    assert "calguard provider" in COMMANDS


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one(line: str) -> None:
    """With the options that it is given; that an argument is left out in the text is no fault."""
    program, *arguments = shlex.split(line)
    if program == "calguard":
        understand(client, arguments)
    else:
        assert callable(read_arguments(arguments if program == "calguard-run" else of_server(arguments)))


def of_server(arguments: list[str]) -> list[str]:
    """As the text has them: FILE may be left out."""
    return [*arguments, "FILE"] if arguments in (["backup"], ["restore"]) else arguments


def understand(command: click.Command, arguments: list[str]) -> None:
    """Raise what click says of arguments that it does not know."""
    if not isinstance(command, click.Group):
        try:
            command.make_context(command.name, list(arguments))
        except click.MissingParameter:
            return
        return
    if not arguments:
        return
    name, *rest = arguments
    assert name in command.commands, name
    understand(command.commands[name], rest)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0][:40])
def test_every_block_is_a_script_whose_files_are_there(block: str) -> None:
    parsed = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")
    for named in re.findall(r"(?<![\w/])deploy/[\w/.$@-]+", block):
        for path in filled_in(named, block):
            assert (ROOT / path).exists(), path


def filled_in(named: str, block: str) -> list[str]:
    """What a path stands for, within a loop over secrets."""
    loop = re.search(r"for secret in (.+); do", block)
    if "$secret" not in named:
        return [named]
    assert loop is not None
    return [named.replace("$secret", each) for each in loop[1].split()]


def test_the_installation_makes_what_the_unit_is_handed() -> None:
    """Pasted, it ends with a server that runs: each credential is made before the unit is started."""
    [block] = [each for each in BLOCKS if "enable --now" in each]
    before = block.partition("systemctl daemon-reload")[0]
    unit = (ROOT / "deploy/systemd/calguard.service").read_text()
    needed = re.findall(r"^(?:LoadCredential=\w+:|EnvironmentFile=)(\S+)$", unit, re.MULTILINE)
    assert len(needed) == 2
    for path in needed:
        assert re.search(rf"(>|touch) {re.escape(path)}\b", before), path


def test_every_other_secret_can_be_handed_over() -> None:
    [block] = [each for each in BLOCKS if "for secret in" in each]
    loops = re.findall(r"for secret in (.+); do", block)
    script = re.findall(r"for secret in (.+); do", (ROOT / "deploy/systemd/calguard-run").read_text())
    parts = {path.stem for path in SECRETS.glob("*.conf")}
    assert [set(each.split()) for each in loops] == [parts]
    assert {*parts, "token_keys"} in [set(each.split()) for each in script]
