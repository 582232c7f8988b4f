"""What is said beside a watch's answers: that it was interrupted, that it goes on, that it had to begin anew."""

import json
import time
from collections.abc import Callable

import grpc

from calguard_client.cli.ago import span
from calguard_client.cli.cells import clean
from calguard_client.cli.failures import told
from calguard_client.cli.session import Session
from calguard_client.cli.watching.heard import HARMLESS
from calguard_client.refusal import Refusal
from calguard_client.watching.events import Interrupted, SnapshotStarted, WatchEvent


class Interruptions:
    """Says each trouble once, however often it is met until the watch goes on; a stream's own end is none."""

    def __init__(self, session: Session, timer: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._timer = timer
        self._since = 0.0
        self._said: tuple[grpc.StatusCode, str] | None = None

    def note(self, event: WatchEvent) -> None:
        """Say what there is to say of an event."""
        match event:
            case Interrupted(refusal=refusal):
                self._interrupted(refusal)
            case SnapshotStarted(cause=cause) if cause:
                self._resumed()
                text = f"{cause}: what happened meanwhile is not known any more; this is how it stands now"
                self._say(text, {"started_over": {"reason": cause}})
            case _:
                self._resumed()

    def _interrupted(self, refusal: Refusal) -> None:
        kind = (refusal.code, refusal.reason)
        if kind == self._said or refusal.code in HARMLESS:
            return
        if self._said is None:
            self._since = self._timer()
        self._said = kind
        why = told(refusal, self._session)
        name = " ".join(filter(None, (refusal.code.name, refusal.reason)))
        self._say(
            f"{name}: {why}; the watch goes on by itself",
            {"interrupted": {"code": refusal.code.name, "reason": refusal.reason, "message": why}},
        )

    def _resumed(self) -> None:
        if self._said is not None:
            self._said = None
            seconds = self._timer() - self._since
            self._say(f"the watch goes on, after {span(seconds)}", {"resumed": {"seconds": round(seconds, 3)}})

    def _say(self, text: str, document: dict[str, object]) -> None:
        self._session.screen.remark(json.dumps(document) if self._session.as_json else clean(f"calguard: {text}"))
