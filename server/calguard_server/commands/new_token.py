"""`calguard-server new-token`: makes a token for the file of tokens."""

import sys

from calguard_server.auth.caller_line import line_for
from calguard_server.auth.callers import Caller
from calguard_server.auth.tokens import digest_of, new_token


def make_token(caller: Caller) -> int:
    """Print a token to standard output, and its line for CALGUARD_AUTH_TOKENS_FILE to standard error."""
    token = new_token()
    sys.stdout.write(f"{token}\n")
    if sys.stderr.isatty():
        sys.stderr.write("# Above is the token, which is kept nowhere; below is its line for the file of tokens.\n")
    sys.stderr.write(f"{line_for(caller, digest_of(token))}\n")
    return 0
