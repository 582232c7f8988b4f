"""For all tests: nothing that they see emitted may hold a secret, and none depends on how, or how fast, it is run."""

import signal

from hypothesis import settings

from tests.leaks import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

settings.register_profile("calguard", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", settings.get_profile("calguard"), derandomize=False, max_examples=2_000)
settings.load_profile("calguard")

for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:  # as in the background of a shell; programs under test inherit it
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
