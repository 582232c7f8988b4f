"""A whole server over TLS: its files are renewed, spoilt and mended while streams are open."""

import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio
import pytest
from structlog.testing import capture_logs

from calguard_client.refusal import Refusal
from calguard_server.app import App
from calguard_server.auth.tls_files import TlsFilesError
from calguard_server.settings.server import read_settings
from tests.e2e.backend import Backend, running_backend
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL
from tests.e2e.watching import Watcher
from tests.fakes.certificates import SERVER_NAMES, Pair, authority, put

RENEWED, OF_NO_USE = "the files of TLS were renewed", "the files of TLS are of no use"


class Served:
    """A backend whose certificate an authority signed, and its files."""

    def __init__(self, folder: Path) -> None:
        self.ca = authority()
        self.cert, self.key = self.ca.issue(*SERVER_NAMES).write(folder, "server")
        self.backend: Backend

    def settings(self) -> dict[str, str]:
        return {"tls_cert": str(self.cert), "tls_key": str(self.key), "drain_timeout": "0s"}

    def renew(self, pair: Pair) -> None:
        put(self.cert, pair.cert)
        put(self.key, pair.key)

    async def renewal_is_told(self, told: str, renew: Callable[[], None]) -> list[Any]:
        """Renew, and let time pass until the log says what came of it; what it said."""
        with capture_logs() as logs:
            renew()
            await self.backend.until_logged(logs, told)
        return [each for each in logs if "of TLS" in each["event"]]

    async def metrics(self) -> dict[str, float]:
        url = f"http://127.0.0.1:{self.backend.app.http_port}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            rows = [row.split() for row in (await answer.text()).splitlines() if row.startswith("calguard_tls_")]
        return {name: float(value) for name, value in rows if not name.endswith("_created")}


def trusting(*authorities: Pair) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(b"".join(each.cert for each in authorities))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    async with running_backend(tmp_path, credentials=trusting(served.ca), **served.settings()) as served.backend:
        yield served


async def reaches(channel: grpc.aio.Channel) -> str:
    """The status of a call on a new connection; empty where it is answered."""
    async with channel:
        try:
            await METHODS["ListAccounts"].call_raw(channel, b"")
        except grpc.aio.AioRpcError as error:
            return Refusal.of(error).code.name
    return ""


async def test_calls_are_answered_over_tls_alone(served: Served) -> None:
    """Who does not trust the certificate, or speaks plain text, is not answered."""
    backend = served.backend
    assert await reaches(backend.open_channel()) == ""
    assert await reaches(backend.open_channel(credentials=trusting(authority()))) == "UNAVAILABLE"
    assert await reaches(grpc.aio.insecure_channel(f"127.0.0.1:{backend.app.port}")) == "UNAVAILABLE"


async def test_a_renewed_certificate_is_used_by_new_connections_and_drops_no_stream(served: Served) -> None:
    backend, other = served.backend, authority()
    watcher = Watcher(backend.channel)
    await watcher.snapshot()
    renewed = other.issue(*SERVER_NAMES)
    [told] = await served.renewal_is_told(RENEWED, lambda: served.renew(renewed))
    assert told["expires"] == renewed.certificate.not_valid_after_utc.isoformat()
    assert await reaches(backend.open_channel(credentials=trusting(other))) == ""
    assert await reaches(backend.open_channel(credentials=trusting(served.ca))) == "UNAVAILABLE"
    shown = ssl.get_server_certificate(("127.0.0.1", backend.app.port))
    assert ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(renewed.cert.decode())
    await backend.add_account("ann")  # on the connection from before, as is the watch
    page = await backend.add_page("page", ALL, "ann", "ann")
    assert await watcher.up_to(page.revision) == [page.revision]
    watcher.cancel()


async def test_a_bad_renewal_is_told_and_counted_and_the_old_stays(served: Served) -> None:
    backend, other = served.backend, served.ca.issue(*SERVER_NAMES)
    before = await served.metrics()
    assert before["calguard_tls_files_stale"] == 0
    [told] = await served.renewal_is_told(OF_NO_USE, lambda: put(served.cert, other.cert))
    assert (told["log_level"], told["problem"].split(": ")[0]) == ("error", "CALGUARD_TLS_KEY")
    assert "PRIVATE" not in str(told)
    assert await reaches(backend.open_channel()) == ""
    refused = await served.metrics()
    assert refused["calguard_tls_files_stale"] == 1
    assert refused['calguard_tls_renewals_total{outcome="refused"}'] == 1
    await served.renewal_is_told(RENEWED, lambda: put(served.key, other.key))
    mended = await served.metrics()
    assert mended["calguard_tls_files_stale"] == 0
    assert mended['calguard_tls_renewals_total{outcome="taken"}'] == 1
    expires = other.certificate.not_valid_after_utc.timestamp()
    assert mended["calguard_tls_certificate_expiry_timestamp_seconds"] == expires
    assert await reaches(backend.open_channel()) == ""


async def test_a_server_whose_files_are_bad_does_not_start(served: Served) -> None:
    await served.backend.stop()
    put(served.key, b"nothing")
    with pytest.raises(TlsFilesError, match=r"^CALGUARD_TLS_KEY: .*server\.key: expected a private key in PEM$"):
        await App.start(read_settings(**served.backend.overrides), served.backend.world)
    served.renew(served.ca.issue(*SERVER_NAMES))
    await served.backend.start()
