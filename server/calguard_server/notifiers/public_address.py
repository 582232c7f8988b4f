"""Which addresses are anybody's on the internet, and which belong to a network, a host, or nobody."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_V6_UNICAST = IPv6Network("2000::/3")
_V6_DOCUMENTATION = IPv6Network("3fff::/20")
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_6TO4_RELAYS = IPv4Network("192.88.99.0/24")


def is_public(address: str) -> bool:
    """Whether an IP address, as the system resolved it, is a public one, and so is each that it stands for.

    An IPv6 address may hold an IPv4 one, which a translator on the way would connect to: mapped, NAT64, 6to4.
    """
    try:
        meant = list(_meant(ip_address(address.partition("%")[0])))
    except ValueError:
        return False
    return all(_is_public(each) for each in meant)


def _meant(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
    elif address.sixtofour is not None:
        yield address.sixtofour
    else:
        yield address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        reserved = address in _V4_6TO4_RELAYS
    else:
        reserved = address not in _V6_UNICAST or address in _V6_DOCUMENTATION
    return address.is_global and not (reserved or address.is_multicast or address.is_reserved)
