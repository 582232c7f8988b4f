"""The settings of traces, by the names that OpenTelemetry gives them."""

from typing import Any, Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

from calguard_server.store_settings import read_model


class TracingSettings(BaseSettings):
    """Whether traces are wanted, and how they are sent, as OpenTelemetry names it; it reads the rest itself."""

    model_config = SettingsConfigDict(env_prefix="OTEL_", extra="ignore", hide_input_in_errors=True)

    sdk_disabled: bool = False
    traces_exporter: Literal["otlp", "none"] | None = None
    exporter_otlp_endpoint: str = ""
    exporter_otlp_traces_endpoint: str = ""
    exporter_otlp_protocol: Literal["http/protobuf", "grpc"] = "http/protobuf"
    exporter_otlp_traces_protocol: Literal["http/protobuf", "grpc"] | None = None

    @property
    def wanted(self) -> bool:
        """Whether an exporter, or where it is to send, is set, and nothing says that there is to be none."""
        named = self.traces_exporter or self.exporter_otlp_endpoint or self.exporter_otlp_traces_endpoint
        return bool(named) and self.traces_exporter != "none" and not self.sdk_disabled

    @property
    def protocol(self) -> str:
        """How traces are sent."""
        return self.exporter_otlp_traces_protocol or self.exporter_otlp_protocol


def read_tracing_settings(**overrides: Any) -> TracingSettings:  # noqa: ANN401 - as many types as settings
    """Read the environment, as `read_settings` does."""
    return read_model(TracingSettings, overrides)
