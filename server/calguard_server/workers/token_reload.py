"""Looks again and again whether the file of tokens has changed, and has its callers known."""

from collections.abc import Callable

import structlog

from calguard_server.auth.authority import Authority
from calguard_server.auth.callers import Callers
from calguard_server.auth.tokens_file import TokensFile, TokensFileError
from calguard_server.engine.ports.clock import Clock
from calguard_server.workers.file_reload import FileReload

_log = structlog.get_logger()


class TokenReload(FileReload[Callers]):
    """Has the callers known that the file names by now.

    `observe_stale` is told whether a file that is bad, or gone, leaves them as they are, whenever that changes.
    """

    def __init__(
        self, file: TokensFile, authority: Authority, clock: Clock, observe_stale: Callable[[bool], object]
    ) -> None:
        super().__init__(file.poll, TokensFileError, clock)
        self._authority = authority
        self._observe_stale = observe_stale

    def _taken(self, held: Callers) -> None:
        self._authority.callers = held
        self._observe_stale(False)  # noqa: FBT003 - a gauge is set
        _log.info("the tokens file was read anew, and is in force", tokens=len(held))

    def _refused(self, problem: str) -> None:
        self._observe_stale(True)  # noqa: FBT003 - a gauge is set
        _log.error("the tokens file is of no use: the tokens read last stay in force", problem=problem)
