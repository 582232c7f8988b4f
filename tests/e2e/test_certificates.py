"""Callers that are known by their certificates, on a whole server: who is let in, and when that ends."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from calguard_client.refusal import Refusal
from tests.e2e.backend import Backend, running_backend
from tests.e2e.bearer import READER, STRANGER, line, overwrite, remove, replace
from tests.e2e.methods import METHODS
from tests.e2e.stubs import told
from tests.e2e.test_tls import OF_NO_USE, RENEWED
from tests.e2e.watching import Watcher
from tests.fakes.certificates import SERVER_NAMES, Pair, authority, dns, put, uri
from tests.fakes.world import START

CA = authority()
BOOKING = CA.issue(dns("Booking.example.com"), uri("spiffe://example.com/unheard-of"))
DASHBOARD = CA.issue(dns("unheard-of.example.com"), uri("spiffe://example.com/dashboard"))
UNKNOWN = CA.issue(dns("www.booking.example.com"), uri("spiffe://example.com/dashboard/"))
NAMELESS = CA.issue()
SELF_MADE = authority().issue(dns("booking.example.com"))
KNOWN = (
    "booking writer dns:booking.example.com",
    "dashboard reader uri:spiffe://example.com/dashboard",
    line("tokens", "reader", READER),
)


class Served:
    """A backend, and the files that it knows callers by."""

    def __init__(self, folder: Path) -> None:
        self.callers, self.ca = folder / "callers", folder / "ca.pem"
        overwrite(self.callers, *KNOWN)
        put(self.ca, CA.cert)
        cert, key = CA.issue(*SERVER_NAMES).write(folder, "server")
        self.settings = {
            "auth_tokens_file": str(self.callers),
            "tls_cert": str(cert),
            "tls_key": str(key),
            "tls_client_ca": str(self.ca),
            "drain_timeout": "0s",
        }
        self.backend: Backend

    def channel(self, pair: Pair | None, token: str = "") -> grpc.aio.Channel:
        return self.backend.open_channel(token, credentials(pair))

    async def outcome(self, pair: Pair | None, method: str = "ListAccounts", token: str = "") -> tuple[str, str]:
        """The status and reason of a call with a certificate; empty where it is answered."""
        async with self.channel(pair, token) as channel:
            try:
                await METHODS[method].call_raw(channel, b"")
            except grpc.aio.AioRpcError as error:
                return told(Refusal.of(error))
        return "", ""


def credentials(pair: Pair | None) -> grpc.ChannelCredentials:
    if pair is None:
        return grpc.ssl_channel_credentials(CA.cert)
    return grpc.ssl_channel_credentials(CA.cert, pair.key, pair.cert)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    async with running_backend(tmp_path, READER, credentials(DASHBOARD), **served.settings) as served.backend:
        yield served


@pytest.mark.parametrize(
    ("pair", "token", "method", "outcome"),
    [
        (BOOKING, "", "ListAccounts", ("", "")),
        (BOOKING, "", "CreateAccount", ("INVALID_ARGUMENT", "INVALID_FIELD")),
        (BOOKING, "", "PutSlackWorkspace", ("PERMISSION_DENIED", "ROLE_TOO_SMALL")),
        (DASHBOARD, "", "ListAccounts", ("", "")),
        (DASHBOARD, "", "CreateAccount", ("PERMISSION_DENIED", "ROLE_TOO_SMALL")),
        (DASHBOARD, "", "DiagnoseCalendarLink", ("PERMISSION_DENIED", "ROLE_TOO_SMALL")),
        (UNKNOWN, "", "ListAccounts", ("UNAUTHENTICATED", "CERTIFICATE_UNKNOWN")),
        (UNKNOWN, "", "Watch", ("UNAUTHENTICATED", "CERTIFICATE_UNKNOWN")),
        (NAMELESS, "", "ListAccounts", ("UNAUTHENTICATED", "CERTIFICATE_UNKNOWN")),
        (NAMELESS, READER, "ListAccounts", ("", "")),
        (BOOKING, READER, "CreateAccount", ("PERMISSION_DENIED", "ROLE_TOO_SMALL")),
        (BOOKING, STRANGER, "ListAccounts", ("UNAUTHENTICATED", "TOKEN_UNKNOWN")),
        (SELF_MADE, "", "ListAccounts", ("UNAVAILABLE", "")),
        (None, READER, "ListAccounts", ("UNAVAILABLE", "")),
    ],
)
async def test_a_certificate_is_a_caller_by_its_names(
    served: Served, pair: Pair | None, token: str, method: str, outcome: tuple[str, str]
) -> None:
    """Each name whole, and by its kind. A token comes before a certificate, and a bad one is not made up for."""
    assert await served.outcome(pair, method, token) == outcome
    assert await served.outcome(pair, method, token) == outcome  # as it is remembered


async def test_nothing_of_a_call_is_decoded_before_its_caller_is_known(served: Served) -> None:
    async with served.channel(UNKNOWN) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await METHODS["ListAccounts"].call_raw(channel, b"\xff\xff")
    assert told(Refusal.of(error.value)) == ("UNAUTHENTICATED", "CERTIFICATE_UNKNOWN")


async def test_the_log_names_the_caller(served: Served) -> None:
    with capture_logs(processors=[merge_contextvars]) as logs:
        await served.outcome(BOOKING, "CreateAccount")
        await served.outcome(UNKNOWN)
    calls = [(each.get("caller", ""), each["reason"]) for each in logs if each["event"] == "call"]
    assert calls == [("booking", "INVALID_FIELD"), ("", "CERTIFICATE_UNKNOWN")]


async def test_who_is_taken_out_of_the_file_is_let_go(served: Served) -> None:
    """Watches end, others go on."""
    async with served.channel(BOOKING) as channel:
        watcher, other = Watcher(channel), Watcher(served.backend.channel)
        await watcher.snapshot()
        await other.snapshot()
        replace(served.callers, *KNOWN[1:])
        assert told(await served.backend.ticking(watcher.ended())) == ("UNAUTHENTICATED", "CERTIFICATE_UNKNOWN")
        await served.backend.pass_time(seconds=1)
    async with served.channel(DASHBOARD) as channel:
        await Watcher(channel).snapshot()
    other.cancel()


async def test_an_authority_that_is_taken_out_is_trusted_no_more(served: Served) -> None:
    """Neither for new connections nor on those from before; what another signed goes on, an intermediate's too."""
    other = authority()
    between = other.issue(authority=True)
    leaf = between.issue(uri("spiffe://example.com/dashboard"))
    async with served.channel(BOOKING) as channel:
        watcher = Watcher(channel)
        await watcher.snapshot()
        with capture_logs() as logs:
            put(served.ca, CA.cert + other.cert)
            await served.backend.until_logged(logs, RENEWED)
        chain = grpc.ssl_channel_credentials(CA.cert, leaf.key, leaf.cert + between.cert)
        async with served.backend.open_channel("", chain) as by_other:
            kept = Watcher(by_other)
            await kept.snapshot()
            put(served.ca, other.cert)
            assert told(await served.backend.ticking(watcher.ended())) == ("UNAUTHENTICATED", "CERTIFICATE_UNTRUSTED")
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await METHODS["ListAccounts"].call_raw(channel, b"")
            assert told(Refusal.of(error.value)) == ("UNAUTHENTICATED", "CERTIFICATE_UNTRUSTED")
            await METHODS["ListAccounts"].call_raw(by_other, b"")
            kept.cancel()
    assert await served.outcome(BOOKING) == ("UNAVAILABLE", "")


@pytest.mark.parametrize("spoilt", ["expired", "of another key", "gone"])
async def test_an_authority_is_taken_out_though_the_servers_own_certificate_is_of_no_use(
    served: Served, spoilt: str
) -> None:
    """Revoking waits for nothing: new connections are refused, and calls on those from before.

    New ones are still shown the server's last good certificate; the log and the metric tell of the bad one.
    """
    other, cert = authority(), Path(served.settings["tls_cert"])
    dashboard = other.issue(uri("spiffe://example.com/dashboard"))
    async with served.channel(BOOKING) as channel:
        watcher = Watcher(channel)
        await watcher.snapshot()
        with capture_logs() as logs:
            match spoilt:
                case "expired":
                    put(cert, CA.issue(*SERVER_NAMES, end=START).cert)
                case "of another key":
                    put(cert, CA.issue(*SERVER_NAMES).cert)
                case _:
                    remove(cert)
            put(served.ca, other.cert)
            assert told(await served.backend.ticking(watcher.ended())) == ("UNAUTHENTICATED", "CERTIFICATE_UNTRUSTED")
            await served.backend.until_logged(logs, OF_NO_USE)
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await METHODS["ListAccounts"].call_raw(channel, b"")
        assert told(Refusal.of(error.value)) == ("UNAUTHENTICATED", "CERTIFICATE_UNTRUSTED")
    assert await served.outcome(BOOKING) == ("UNAVAILABLE", "")
    assert await served.outcome(dashboard) == ("", "")
    problems = {each["problem"].split(": ")[0] for each in logs if "of no use" in each["event"]}
    assert problems
    assert problems <= {"CALGUARD_TLS_CERT", "CALGUARD_TLS_KEY"}
    assert served.backend.app.registry.get_sample_value("calguard_tls_files_stale") == 1


async def test_a_watch_ends_when_its_certificate_is_not_to_be_used_any_more(tmp_path: Path) -> None:
    """At its line's time, without any change of the file."""
    served = Served(tmp_path)
    sooner = START + timedelta(seconds=6)
    overwrite(served.callers, f"{KNOWN[0]} expires={sooner.isoformat()}", KNOWN[1])
    async with running_backend(tmp_path, credentials=credentials(DASHBOARD), **served.settings) as served.backend:
        async with served.channel(BOOKING) as channel:
            watcher = Watcher(channel)
            await watcher.snapshot()
            refusal = await served.backend.ticking(watcher.ended())
        assert told(refusal) == ("UNAUTHENTICATED", "CERTIFICATE_EXPIRED")
        assert refusal.metadata == {"expire_time": sooner.isoformat()}
