"""README.md shows how to use grpcurl for each thing that it can do; `make grpcurl` runs what it shows."""

from tests.grpcurl.readme import Kind, examples


def test_there_is_an_example_of_each_kind() -> None:
    assert {kind for kind, commands in examples().items() if commands} == set(Kind)
