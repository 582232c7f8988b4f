"""The `calguard-sandbox` command: see command.py for what it takes."""

import os
import sys


def main() -> int:
    """Run the command; the exit status."""
    try:
        from calguard_sandbox.command import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "calguard_sandbox":
            raise
        # The command is there with every install, and what it needs is not.
        sys.stderr.write(
            f"calguard-sandbox: the module {error.name} is not installed: pip install 'calguard[sandbox]'\n"
        )
        return os.EX_UNAVAILABLE
    return run()


if __name__ == "__main__":
    sys.exit(main())
