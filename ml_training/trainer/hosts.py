"""The projects a trainer works for: nothing else is contacted."""

from collections.abc import Iterable

import httpx

DEFAULT_PORTS = {"http": 80, "https": 443}


class HostRefused(ValueError):
    """Raised when an address is not that of an allowed host."""

    def __init__(self, address: str, why: str):
        super().__init__(f"{address!r} is not contacted: {why}.")


class AllowedHosts:
    """Hosts with their ports, compared exactly: no wildcards, no other names of the same machine.

    The address is read by the same code that contacts it, so that both see the same host.
    """

    def __init__(self, entries: Iterable[str]):
        self._allowed = set()
        for entry in entries:
            self._allowed |= _read_entry(entry.strip())

    def check(self, address: str | httpx.URL) -> httpx.URL:
        """Return an address that may be contacted.

        Raises:
            HostRefused: its host is not allowed, or it is no plain http(s) address.
        """
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, TypeError) as error:
            raise HostRefused(str(address)[:200], "it is no address") from error
        shown = str(address)[:200]
        if url.scheme not in DEFAULT_PORTS or not url.host:
            raise HostRefused(shown, "only http and https are spoken")
        if url.userinfo:
            raise HostRefused(shown, "it carries a user name")
        if (url.raw_host, url.port or DEFAULT_PORTS[url.scheme]) not in self._allowed:
            raise HostRefused(shown, "its host and port are not in ML_TRAINER_ALLOWED_HOSTS")
        return url


def _read_entry(entry: str) -> set[tuple[bytes, int]]:
    """`host` allows the default ports, `host:port` that port alone.

    Raises:
        ValueError: it is neither; names the entry.
    """
    try:
        url = httpx.URL(f"http://{entry}")
        has_port = entry.rpartition(":")[2].isdecimal() and not entry.endswith("]")
        if not url.host or url.userinfo or url.path not in ("", "/") or url.query or "*" in entry:
            raise ValueError
        if not 0 < (url.port or 80) < 65536:
            raise ValueError
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"{entry!r} in ML_TRAINER_ALLOWED_HOSTS must be host or host:port.") from error
    ports = {url.port or 80} if has_port else set(DEFAULT_PORTS.values())
    return {(url.raw_host, port) for port in ports}
