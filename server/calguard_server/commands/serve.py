"""`calguard-server` without a command: serves until it is told to stop."""

import asyncio
import os
import sys

import structlog
import uvloop

from calguard_server.app import App
from calguard_server.auth.jwks import JwksError
from calguard_server.auth.tls_files import TlsFilesError
from calguard_server.auth.tokens_file import TokensFileError
from calguard_server.commands.ending import CommandError, code_of, tell
from calguard_server.commands.stopping import BEYOND_DRAIN, Deadline, Stopping
from calguard_server.commands.supervisor import Supervisor
from calguard_server.grpc_api.request_id import add_request_id
from calguard_server.settings.server import Settings, exposed_files, read_settings, unknown_settings
from calguard_server.store.errors import StoreError
from calguard_server.telemetry.logs import configure_logging
from calguard_server.tracing_settings import TracingSettings, read_tracing_settings
from calguard_server.wiring.garbage_collector import tune_garbage_collector
from calguard_server.wiring.world import SystemClock

_log = structlog.get_logger()


def serve() -> int:
    """Serve; answer the exit code."""
    settings, tracing = read_settings(), read_tracing_settings()
    configure_logging(settings.log_level, as_json=settings.log_format == "json", additions=[add_request_id])
    for name in unknown_settings():
        _log.warning("not a setting of this server: see docs/settings.md", name=name)
    for name, path in exposed_files():
        _log.warning(
            "every user of this machine may read this secret: take their right to (chmod o-rw)", name=name, path=path
        )
    tune_garbage_collector()
    return uvloop.run(_serve(settings, tracing))


async def _serve(settings: Settings, tracing: TracingSettings) -> int:
    stopping = Stopping(asyncio.get_running_loop())
    supervisor = Supervisor(os.environ)
    try:
        app = await App.start(settings, tracing=tracing)
    except TokensFileError as error:
        raise CommandError(f"CALGUARD_AUTH_TOKENS_FILE: {error}", os.EX_CONFIG) from error
    except JwksError as error:
        raise CommandError(f"CALGUARD_AUTH_JWT_JWKS: {error}", os.EX_CONFIG) from error
    except TlsFilesError as error:
        raise CommandError(str(error), os.EX_CONFIG) from error
    except StoreError:
        raise
    except OSError as error:
        raise CommandError(str(error), os.EX_UNAVAILABLE) from error
    except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, and the exit code tells it apart
        return _report(error)
    supervisor.ready()
    alive = asyncio.ensure_future(supervisor.run(SystemClock().sleep))
    asked = asyncio.ensure_future(stopping.asked.wait())
    await asyncio.wait((asked, app.failed), return_when=asyncio.FIRST_COMPLETED)
    _log.info("stopping")
    supervisor.stopping()
    Deadline(settings.drain_timeout + BEYOND_DRAIN).begin()
    await app.stop()
    asked.cancel()
    alive.cancel()
    return _report(app.failed.result()) if app.failed.done() else 0


def _report(error: Exception) -> int:
    known = isinstance(error, StoreError)
    _log.error("cannot go on", exc_info=None if known else error)
    sys.stdout.flush()
    tell(str(error) or type(error).__name__)
    return code_of(error)
