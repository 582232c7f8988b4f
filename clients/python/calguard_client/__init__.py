"""The client of Calguard: calls, watches and mirrors, and the `calguard` command. It knows the contract alone.

`AsyncClient` is for asyncio, `Client` is the same without; so are `AsyncWatch` and `Watch`, `AsyncMirror` and `Mirror`.
docs/client.md tells how to use them.
"""

from calguard_client.async_client import AsyncClient
from calguard_client.client import Client
from calguard_client.errors import (
    AbortedError,
    AlreadyExistsError,
    CalguardError,
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
)
from calguard_client.mirroring.acceptance import Acceptance
from calguard_client.mirroring.async_mirror import AsyncMirror
from calguard_client.mirroring.contents import MirrorChange
from calguard_client.mirroring.mirror import Mirror
from calguard_client.mirroring.reading import MirrorOptions
from calguard_client.options import ClientOptions
from calguard_client.refusal import BadField, Refusal
from calguard_client.token_file import TokenFile
from calguard_client.watching.async_watch import AsyncWatch
from calguard_client.watching.events import (
    Changes,
    Interrupted,
    Progress,
    SnapshotEnded,
    SnapshotPart,
    SnapshotStarted,
    WatchEvent,
)
from calguard_client.watching.watch import Watch

__all__ = [
    "AbortedError",
    "Acceptance",
    "AlreadyExistsError",
    "AsyncClient",
    "AsyncMirror",
    "AsyncWatch",
    "BadField",
    "CalguardError",
    "Changes",
    "Client",
    "ClientOptions",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "Interrupted",
    "InvalidArgumentError",
    "Mirror",
    "MirrorChange",
    "MirrorOptions",
    "NotFoundError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "Progress",
    "Refusal",
    "ResourceExhaustedError",
    "SnapshotEnded",
    "SnapshotPart",
    "SnapshotStarted",
    "TokenFile",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "Watch",
    "WatchEvent",
]
