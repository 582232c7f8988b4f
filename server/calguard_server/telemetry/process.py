"""What `/metrics` shows of the process itself."""

from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, Info, PlatformCollector, ProcessCollector


def process_registry() -> CollectorRegistry:
    """Build a registry that has the process's memory, processor time and open files, and what runs in it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    Info("calguard_build", "Which version of Calguard this is.", registry=registry).info(
        {"version": version("calguard")}
    )
    return registry
