"""The files of the contract that hold services, found among the generated ones: none can be forgotten."""

import pkgutil
from importlib import import_module

from google.protobuf.descriptor import FileDescriptor

import calguard.v1


def _with_services() -> tuple[FileDescriptor, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(calguard.v1.__path__))
    messages = (import_module(f"calguard.v1.{name}") for name in names if name.endswith("_pb2"))
    files: list[FileDescriptor] = [each.DESCRIPTOR for each in messages]
    return tuple(file for file in files if file.services_by_name)


CONTRACT = _with_services()
