"""The control API: everything that the sandbox can do, over HTTP."""
