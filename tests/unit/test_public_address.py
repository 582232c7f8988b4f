"""Which addresses webhooks may go to."""

import pytest

from calguard_server.notifiers.public_address import is_public


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "172.15.255.255",
        "172.32.0.1",
        "100.63.0.1",
        "2001:4860:4860::8888",
        "2a00::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_public(address: str) -> None:
    """Anybody's on the internet; a translated address is judged by the one that it stands for."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.2.3",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
@pytest.mark.parametrize("form", ["{}", "::ffff:{}", "64:ff9b::{}", "::{}"])
def test_not_public(address: str, form: str) -> None:
    """Private, shared, loopback, link-local, reserved, documentation, multicast: also inside an IPv6 address."""
    assert not is_public(form.format(address))


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "",
        "localhost",
        "1.2.3",
        "2130706433",
    ],
)
def test_not_public_in_ipv6_or_no_address(address: str) -> None:
    """What is no address as the system writes one is refused, too."""
    assert not is_public(address)
