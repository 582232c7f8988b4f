"""When Python looks for cycles among objects."""

import gc


def tune_garbage_collector() -> None:
    """Look for cycles less often than Python does by default, and not among what was imported.

    Nearly all that is made here is freed by its reference count; looking for cycles took a sixth of the time of a
    durable change (measured by `make bench`).
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
