"""grpcurl itself, of one version, in a folder of the checkout that git ignores."""

import os
import shutil
import subprocess
from pathlib import Path

VERSION = "v1.9.3"
_FOLDER = Path(__file__).parents[2] / ".cache" / f"grpcurl-{VERSION}"
_SECONDS = 600


def grpcurl() -> Path | None:
    """Answer the folder that it is in, installing it if need be; None where there is no Go to install it with."""
    go = shutil.which("go")
    if go is None:
        return None
    if not (_FOLDER / "grpcurl").exists():
        settings = {"GOBIN": str(_FOLDER), "GOFLAGS": "-trimpath"}
        package = f"github.com/fullstorydev/grpcurl/cmd/grpcurl@{VERSION}"
        subprocess.run([go, "install", package], env=os.environ | settings, check=True, timeout=_SECONDS)
    return _FOLDER
