"""Every RPC that is served has a role in the table, and the table names nothing else."""

from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from calguard_server.auth.callers import Role
from calguard_server.grpc_api.roles import OPEN, ROLE_OF, role_for
from calguard_server.grpc_api.server import SERVICES
from tests.fakes.contract import CONTRACT


def methods_of(*files: FileDescriptor) -> set[str]:
    return {
        f"/{service.full_name}/{method.name}"
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    }


def test_every_method_has_a_role() -> None:
    """A new RPC needs a row: nobody decides by leaving it out."""
    contract = methods_of(*CONTRACT)
    reflection = methods_of(reflection_pb2.DESCRIPTOR)
    reflection |= {path.replace("v1alpha", "v1") for path in reflection}
    assert {path.split("/")[1] for path in contract} == set(SERVICES)
    assert contract | reflection == set(ROLE_OF)
    assert methods_of(health_pb2.DESCRIPTOR) == OPEN


def test_what_has_no_row_takes_the_highest_role() -> None:
    assert role_for("/calguard.v1.WatchService/Unheard") is Role.ADMIN
    assert role_for("/grpc.health.v1.Health/Check") is None
