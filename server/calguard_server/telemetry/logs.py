"""The log: lines on standard output, as JSON or for a terminal."""

import logging
import sys
from collections.abc import Sequence

import structlog

from calguard_server.domain.url_secrets import without_url_secrets

_BORROWED = ("opentelemetry",)
"""Libraries that log by themselves what an operator should know."""

_TELLING = "opentelemetry.exporter."
"""Loggers whose texts may be told but for the secrets of URLs; those of others may be of headers with keys."""


def configure_logging(level: str, *, as_json: bool, additions: Sequence[structlog.typing.Processor]) -> None:
    """Log from here on what is of a level or above; `additions` add to each line what its context knows."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        *additions,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(),
                exception_formatter=structlog.dev.plain_traceback,  # the default shows variables, and so secrets
            )
        )
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    for name in _BORROWED:
        logger = logging.getLogger(name)
        logger.handlers = [_Passing()]
        logger.propagate = False


class _Passing(logging.Handler):
    """Passes on what a library logs, without secrets; tracebacks stay behind: they may show what was sent."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as a line of ours."""
        level = max(record.levelno, logging.WARNING)
        structlog.get_logger().log(level, _told(record), logger=record.name)


def _told(record: logging.LogRecord) -> str:
    """Answer the text of a line, in which what is neither a number nor of an exporter stays out."""
    if not record.name.startswith(_TELLING) and isinstance(record.args, tuple):
        record.args = tuple(each if isinstance(each, int | float) else "..." for each in record.args)
    return without_url_secrets(record.getMessage())
