"""How long a test waits for what must come.

It bounds a hang, and says nothing of how fast anything is: a machine may be busy with much else. The limit of a whole
test, in pyproject.toml, is longer, because what that breaks off need not be what hangs.
"""

from datetime import timedelta

PATIENCE_SECONDS = 120
PATIENCE = timedelta(seconds=PATIENCE_SECONDS)
