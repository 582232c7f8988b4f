"""For all tests: nothing that they see emitted may hold a secret."""

from tests.leaks import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]
