"""The command `calguard-server`: see commands/arguments.py for what it takes, docs/operations.md for its exit codes."""

import os
import sys


def main() -> None:
    """Run what the command line says."""
    # gRPC reads this when it is imported. Left to itself it writes a line, which is no JSON, for each greeting that
    # fails: so who connects would say how long our log is.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        from calguard_server.commands.arguments import read_arguments
        from calguard_server.commands.ending import ended
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "calguard_server":
            raise
        # The plain install is the client; the command is there, and what it needs is not.
        sys.stderr.write(f"calguard-server: the module {error.name} is not installed: pip install 'calguard[server]'\n")
        sys.exit(os.EX_UNAVAILABLE)
    sys.exit(ended(read_arguments()))


if __name__ == "__main__":
    main()
