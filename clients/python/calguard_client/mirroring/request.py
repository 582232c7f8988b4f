"""What a mirror asks the server for."""

from calguard.v1.watch_pb2 import WATCH_MODE_LATEST, WatchRequest


def mirror_request(request: WatchRequest | None) -> WatchRequest:
    """Answer the request of a mirror: the latest of each resource, unless the request asks for every change.

    Raises ValueError where the request would leave out the snapshot, without which there is nothing to mirror.
    """
    asked = WatchRequest()
    if request is not None:
        asked.CopyFrom(request)
    if asked.resume_token:
        raise ValueError("resume_token: expected none: a mirror begins with a snapshot")
    if asked.skip_snapshot:
        raise ValueError("skip_snapshot: expected to be unset: a mirror begins with a snapshot")
    asked.mode = asked.mode or WATCH_MODE_LATEST
    return asked
