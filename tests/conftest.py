"""For all tests: nothing that they see emitted may hold a secret, and none depends on how fast a machine is."""

from hypothesis import settings

from tests.leaks import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

settings.register_profile("calguard", deadline=None)
settings.load_profile("calguard")
