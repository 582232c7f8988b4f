"""What streams read on from: the ring, in messages that are joined once for all at the same cursor; else the log."""

from collections.abc import Sequence

from calguard_server.domain.errors import OutOfRangeError
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.store import Store
from calguard_server.watch.ring import Ring, batches
from calguard_server.watch.tokens import from_future
from calguard_server.watch.view import Message, View, ViewKey

_LOG_READ = 1000


class Backlog:
    """The changes that streams may see: those up to `shown`, which moves for all of them together.

    Were each to see a change at once, they would go apart, each with small messages of its own.
    """

    def __init__(self, store: Store, ring_bytes: int, revision: int) -> None:
        self.shown = revision
        self._store = store
        self._ring = Ring(ring_bytes, revision)
        self._ends: dict[str, int] = {}
        self._joined: dict[tuple[int, ViewKey], Message] = {}

    @property
    def revision(self) -> int:
        """The latest revision taken in."""
        return self._ring.revision

    def take(self, entries: Sequence[LogEntry]) -> None:
        """Take in the changes of a commit; they are not shown yet."""
        self._ring.append(entries)

    def show(self) -> None:
        """Show all that was taken in."""
        self.shown = self._ring.revision
        self._joined.clear()

    def next(self, cursor: int, view: View) -> Message | None:
        """Answer the next message after a cursor; None where it has to be read from the log, or nothing is newer."""
        if cursor >= self.shown:
            return None
        key = (cursor, view.key)
        message = self._joined.get(key)
        if message is None:
            transactions = self._ring.after(cursor, self.shown)
            if transactions is None:
                return None
            message = self._joined[key] = view.message(transactions, cursor)
        return message

    async def read(self, cursor: int, view: View) -> Message:
        """Read the next message after a cursor from the log; others are served meanwhile.

        Raises OutOfRangeError `RESUME_TOKEN_EXPIRED` where the log no longer reaches back so far.
        """
        return view.message(batches(await self._log_after(cursor)), cursor)

    async def _log_after(self, cursor: int) -> list[LogEntry]:
        entries = await self._store.log_after(cursor, _LOG_READ)
        if not entries or entries[0].revision != cursor + 1:  # dropped since, while the stream was behind
            raise _expired(await self._store.oldest_revision())
        return entries

    async def refuse_other_history(self, cursor: int, epoch: str) -> None:
        """Raise OutOfRangeError `TOKEN_FROM_FUTURE` where an epoch told of a revision that this store never held so.

        A store that was restored from a copy counts on from the copy's revisions, and fills them otherwise.
        """
        if epoch == self._store.epoch:
            await self._refuse_never_committed(cursor)
            return
        end = self._ends.get(epoch)
        if end is None:
            end = await self._store.epoch_end(epoch)
            if end is None:
                raise from_future(self._ring.revision)
            self._ends[epoch] = end  # what has ended ends there for good
        if cursor > end:
            raise from_future(self._ring.revision)

    async def _refuse_never_committed(self, cursor: int) -> None:
        """Raise where this run committed no such revision. A snapshot may show one before it is taken in here."""
        if cursor > self._ring.revision:
            await self._store.probe()  # a commit of its own, so all before it are taken in by then
        if cursor > self._ring.revision:
            raise from_future(self._ring.revision)

    async def refuse_expired(self, cursor: int) -> None:
        """Raise OutOfRangeError `RESUME_TOKEN_EXPIRED` where changes after a cursor are no longer kept."""
        if cursor < self._ring.revision and cursor + 1 < (oldest := await self._store.oldest_revision()):
            raise _expired(oldest)


def _expired(oldest: int) -> OutOfRangeError:
    return OutOfRangeError(
        "RESUME_TOKEN_EXPIRED",
        "resume_token: the changes after it are no longer kept: watch without a token, for a new snapshot",
        metadata={"oldest_revision": str(oldest)},
    )
