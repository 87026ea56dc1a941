"""Whoever visits a real server as a browser does: from an address of its own, with forms and cookies."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.support.pages.forms import form_fields
from tests.support.pages.logins import CODE, LOGIN

PASSWORD = "correct horse battery"
HASH = PBKDF2PasswordHasher().encode(PASSWORD, "salt")  # the tests have hashes that the server does not know


class Browser(httpx.Client):
    """One browser at a loopback address of its own; each 127.0.0.x is somebody else to the server."""

    def __init__(self, url: str, address: str = "127.0.0.1", cookie: str = ""):
        super().__init__(
            base_url=url,
            transport=httpx.HTTPTransport(local_address=address, retries=2),
            cookies=dict([cookie.split("=", 1)]) if cookie else None,
            timeout=60,
        )

    def log_in(self, username: str, password: str, **headers: str) -> httpx.Response:
        """Send name and password; without the form, once there is a cookie for it."""
        if "csrftoken" not in self.cookies:
            self.get(LOGIN)
        told = {"username": username, "password": password}
        return self.post(LOGIN, data=told | self._csrf(), headers=headers)

    def enter_code(self, code: str) -> httpx.Response:
        return self.post(CODE, data={"code": code} | self._csrf())

    def fill_in(self, path: str, form_id: str, **typed: str | list[str]) -> httpx.Response:
        """Open a form, and save it with what is typed."""
        return self.post(path, data=form_fields(self.get(path), form_id) | typed)

    def _csrf(self) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}


def at_once(*calls) -> list:
    """What each call returns, all begun at the same moment.

    Raises:
        BaseException: what one of them raised.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        start = Barrier(len(calls))

        def one(call):
            start.wait(60)
            return call()

        return list(pool.map(one, calls))
