"""Options that several groups of commands share."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypedDict, TypeVar

import click
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.field_mask_pb2 import FieldMask

from calguard.v1 import slack_pb2
from calguard_client.cli.cells import enum_prefix

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,6})(ms|s|m|h|d)")

Command = TypeVar("Command", bound=Callable[..., Any])


def read_duration(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    """Read a duration, as a callback of click. Raises BadParameter."""
    match = _DURATION.fullmatch(value)
    if match is None or int(match[1]) == 0:
        raise click.BadParameter("expected a duration such as 250ms, 10s or 2m")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def json_option(command: Command) -> Command:
    """Take `--json` behind the command as well; it is the option of every command all the same."""

    def note(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click passes it
        if value:
            root = ctx.find_root()
            root.params["as_json"] = True
            root.obj = ctx.obj = replace(root.obj, as_json=True)

    help_text = "The same as --json before the command: a document a line."
    option = click.option("--json", is_flag=True, is_eager=True, expose_value=False, callback=note, help=help_text)
    return option(command)


def enum_option(flag: str, enum: EnumDescriptor, *, multiple: bool = False, help: str) -> Callable[[Command], Command]:  # noqa: A002
    """Take names of an enum without their prefix, in any case; the command gets the numbers."""
    prefix = enum_prefix(enum)
    numbers = {each.name.removeprefix(prefix): each.number for each in enum.values if each.number}

    def read(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:  # noqa: ANN401 - as click gives it
        if value is None:
            return None
        return [numbers[each] for each in value] if multiple else numbers[value]

    names = click.Choice(list(numbers), case_sensitive=False)
    return click.option(flag, type=names, multiple=multiple, callback=read, help=help)


class SlackFields(TypedDict):
    """The parts of a Slack address as given; None where an option was not given."""

    slack_workspace: str | None
    slack_user: str | None
    slack_channel: str | None


def slack_options(command: Command) -> Command:
    """Take a Slack address. On update, the parts together replace the whole address."""
    for flag, metavar, help_text in (
        ("--slack-channel", "CHANNEL", "The Slack channel's id to write to, such as C024BE91L."),
        ("--slack-user", "USER", "The Slack member's id to write to, such as U024BE7LH."),
        ("--slack-workspace", "WORKSPACE", "The Slack workspace's id; empty: the server's default."),
    ):
        command = click.option(flag, metavar=metavar, help=help_text)(command)
    return command


def slack_of(fields: SlackFields) -> slack_pb2.SlackAddress:
    """Answer the address that was given."""
    return slack_pb2.SlackAddress(
        workspace_id=fields["slack_workspace"] or "",
        user_id=fields["slack_user"] or "",
        channel_id=fields["slack_channel"] or "",
    )


def slack_given(fields: SlackFields) -> bool:
    """Answer whether any part of an address was given."""
    return any(
        value is not None for value in (fields["slack_workspace"], fields["slack_user"], fields["slack_channel"])
    )


def require_change(paths: list[str]) -> FieldMask:
    """Answer the mask of an update. Raises UsageError where nothing is to be changed."""
    if not paths:
        raise click.UsageError("Nothing to change: give at least one option that says what.")
    return FieldMask(paths=paths)


etag_option = click.option("--etag", metavar="ETAG", default="", help="Refuse when it has changed since this etag.")
limit_option = click.option(
    "--limit", metavar="COUNT", type=click.IntRange(min=1), default=100, show_default=True, help="How many at most."
)
