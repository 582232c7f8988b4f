"""A local Google, Slack and SMTP that speak the real protocols, on loopback, with faults on demand.

`Sandbox` is the whole thing, to embed in a test or a script; `python -m calguard_sandbox` runs it by itself.
It imports nothing of the server it stands in front of: only the protocols are shared.
"""

from typing import TYPE_CHECKING

from calguard_sandbox.options import SandboxOptions

if TYPE_CHECKING:
    from calguard_sandbox.sandbox import Sandbox

__all__ = ["Sandbox", "SandboxOptions"]


def __getattr__(name: str) -> object:
    """Load `Sandbox` when it is asked for: the command has to say what is missing where the extra is not installed."""
    if name != "Sandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from calguard_sandbox.sandbox import Sandbox

    return Sandbox
