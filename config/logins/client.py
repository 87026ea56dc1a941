"""Says who is at the other end of a login: from which address, and under which name.

The address is that of the connection, or the one that the web server took from its own proxy. No header is
read here: whoever guesses passwords writes what they like into one.
"""

import ipaddress
import unicodedata

from django.http import HttpRequest

NOWHERE = "0.0.0.0"  # noqa: S104 (stands for all connections without an address, as over a Unix socket)
NETWORK = 64  # bits of an IPv6 address that say whose it is: one household has all that share them
NAME_LENGTH = 255  # of the column
SHOWN_LENGTH = 60  # characters of a name in the log


def address_of(request: HttpRequest | None) -> str:
    """The client's address; empty where the connection has none."""
    found = _read_address(request)
    return str(found) if found else ""


def throttled_address(request: HttpRequest) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 one."""
    found = _read_address(request)
    if found is None:
        return NOWHERE
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(found), NETWORK), strict=False).network_address)
    return str(found)


def _read_address(request: HttpRequest | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address((request.META.get("REMOTE_ADDR") or "") if request else "")
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def account_key(username: str | None) -> str:
    """A name as it is counted: however it is written, with spaces, capitals or other forms of its letters."""
    key = unicodedata.normalize("NFKC", username or "").casefold()
    return "".join(unicodedata.normalize("NFKC", key).replace("\0", "").split())[:NAME_LENGTH]


def shown_name(username: str | None) -> str:
    """A name that is safe in one line of a log, between quotation marks."""
    kept = "".join(
        letter if letter.isprintable() and letter not in '"\\' else "?"
        for letter in (username or "")[: SHOWN_LENGTH + 1]
    )
    return kept if len(kept) <= SHOWN_LENGTH else kept[:SHOWN_LENGTH] + "…"
