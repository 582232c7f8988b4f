"""A local Google, Slack and SMTP that speak the real protocols, on loopback, with faults on demand.

`Sandbox` is the whole thing, to embed in a test or a script; `python -m calguard_sandbox` runs it by itself.
It imports nothing of the server it stands in front of: only the protocols are shared.
"""

from calguard_sandbox.options import SandboxOptions
from calguard_sandbox.sandbox import Sandbox

__all__ = ["Sandbox", "SandboxOptions"]
