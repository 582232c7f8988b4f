"""Checks README.md's examples of grpcurl, and every method, with grpcurl itself."""

import sys
import tempfile
from pathlib import Path

from tests.grpcurl.answers import Shell, methods, wrong_answer, wrong_examples
from tests.grpcurl.installed import VERSION, grpcurl
from tests.grpcurl.readme import examples
from tests.integration.cli_harness import running_calguard


def main() -> int:
    """Answer the exit code: 1 where an answer is not what it should be."""
    folder = grpcurl()
    if folder is None:
        sys.stdout.write("grpcurl: Go is not here to install it with; its examples and answers are not checked\n")
        return 0
    with tempfile.TemporaryDirectory() as database, running_calguard(Path(database)) as calguard:
        shell = Shell(folder, calguard.address)
        known, named = examples(), methods(shell)
        wrong = [*wrong_examples(shell, known), *filter(None, (wrong_answer(shell, each) for each in named))]
    sys.stdout.write("".join(f"wrong: {each}\n" for each in wrong))
    count = sum(map(len, known.values()))
    sys.stdout.write(f"grpcurl {VERSION}: {count} examples, {len(named)} methods, {len(wrong)} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
