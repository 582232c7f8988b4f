"""The command itself: the options that every command shares, and the door by which failures leave."""

import contextlib
import os
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import click
import grpc
from click.exceptions import Exit

from calguard_client.cli.choices import read_duration
from calguard_client.cli.failures import (
    EXIT_INTERRUPTED,
    EXIT_READER_GONE,
    WatchEndedError,
    report,
    report_unwritten,
    report_usage,
)
from calguard_client.cli.screen import Screen
from calguard_client.cli.session import Session
from calguard_client.cli.tls import read_credentials, tls_options
from calguard_client.cli.token import TOKEN_VARIABLE, read_token, with_token
from calguard_client.connection import open_channel
from calguard_client.options import ClientOptions, new_request_id
from calguard_client.refusal import Refusal

_ADDRESS = re.compile(r"(?!https?://)\S+:\d{1,5}")

_EPILOG = """\b
Exit codes:
  0    done
  1    the server refused, for a reason not listed here
  2    wrong usage
  3    what was named does not exist
  4    the state does not allow it: a precondition does not hold, a stale
       etag, or it exists already
  5    no answer: the server, or Google behind it, is unreachable, draining
       or too slow
  6    doctor: the link fails at a stage
  74   the output cannot be written, as on a full disk
  130  interrupted
  141  whoever read the output has gone (as in `| head`)
  143  terminated
"""


class RootGroup(click.Group):
    """Every failed call leaves here, as one line (or JSON) on stderr and an exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options. Raises UsageError for what is no text, which Python passes on as lone surrogates."""
        for arg in args:
            if any("\ud800" <= character <= "\udfff" for character in arg):
                raise click.UsageError(f"expected UTF-8, not {arg!r}", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command. Raises click's exceptions only."""
        try:
            with _output_troubles(ctx):
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
        except grpc.RpcError as error:
            raise Exit(report(Refusal.of(error), ctx.obj)) from error
        except WatchEndedError as ended:
            raise Exit(report(ended.refusal, ctx.obj, ended.hint)) from ended
        except click.UsageError as error:
            if not ctx.params["as_json"]:
                raise
            raise Exit(report_usage(error.format_message())) from error
        except KeyboardInterrupt:
            raise Exit(EXIT_INTERRUPTED) from None


@contextlib.contextmanager
def _output_troubles(ctx: click.Context) -> Iterator[None]:
    """End a command whose output goes nowhere: a reader that has gone is no news, a full disk is."""
    try:
        yield
    except BrokenPipeError:
        _let_go_of_stdout()
        raise Exit(EXIT_READER_GONE) from None
    except OSError as error:
        _let_go_of_stdout()
        raise Exit(report_unwritten(error, as_json=ctx.params["as_json"])) from error


def _let_go_of_stdout() -> None:
    """Have what is still to be written go nowhere: whoever read it has gone, and is no reason to complain."""
    with contextlib.suppress(OSError):  # what stands in for stdout has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _read_address(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if _ADDRESS.fullmatch(value) is None:
        raise click.BadParameter("expected HOST:PORT, such as 127.0.0.1:50051")
    return value


@click.group(cls=RootGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--server",
    metavar="HOST:PORT",
    envvar="CALGUARD_SERVER",
    default="127.0.0.1:50051",
    show_default=True,
    show_envvar=True,
    callback=_read_address,
    help="The server to ask.",
)
@tls_options
@click.option(
    "--auth-token-file",
    "token_file",
    metavar="FILE",
    type=click.File(encoding="utf-8", lazy=False),
    help=f"The file that holds the token to call with; '-' is standard input. Else it is in {TOKEN_VARIABLE}.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON with the field names of the contract: one document, or one a line where it streams. "
    "Errors are JSON as well.",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    default="30s",
    show_default=True,
    callback=read_duration,
    help="How long one call may take. A watch, and a diagnosis, may take that long to connect.",
)
@click.version_option(package_name="calguard", prog_name="calguard")
@click.pass_context
def main(
    ctx: click.Context,
    server: str,
    tls: bool,  # noqa: FBT001 - click passes it
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    token_file: IO[str] | None,
    as_json: bool,  # noqa: FBT001 - click passes it
    timeout: timedelta,
) -> None:
    """Ask and steer a Calguard server: accounts, calendar links, booking pages, notices, and their changes."""
    token = read_token(token_file, os.environ.get(TOKEN_VARIABLE, ""))
    credentials = read_credentials(tls_ca, tls_cert, tls_key, wanted=tls)
    options = ClientOptions(credentials=credentials, connect_timeout=timeout, retry=False)
    channel = with_token(ctx.with_resource(open_channel(server, options)), token)
    ctx.obj = Session(
        server=server,
        as_json=as_json,
        timeout=timeout,
        channel=channel,
        screen=Screen(),
        new_request_id=new_request_id,
        pause=time.sleep,  # noqa: TID251 - the command waits for real
        now=lambda: datetime.now(UTC),  # noqa: TID251 - the command is where the time comes from
    )
