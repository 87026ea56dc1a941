"""A real web server process with a shop, its people and their tokens, to be attacked."""

import contextlib
import logging
import os
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.test import Client

from catalog.models import Shop
from tests.factories import bearer, make_staff
from tests.support.running.processes import Process

logger = logging.getLogger(__name__)
ROUNDS = int(os.environ.get("ATTACK_ROUNDS", "1"))  # how much longer than usual
SEED = int(os.environ.get("ATTACK_SEED", "1"))


class Victim:
    """The server as its attackers see it, and what it takes of its machine."""

    def __init__(self, process: Process):
        self.process, self.url, self.port = process, process.url, process.port
        self.origin = process.url
        self.socket_url = process.url.replace("http", "ws") + "/graphql/ws/"
        self.news_url = process.url.replace("http", "ws") + "/ws/notifications/"
        self.shop = Shop.default()
        self.token = bearer(self.shop, "read", "recognize", "train")
        self.cookie = cookie_of(make_staff("anna", self.shop))

    def memory(self) -> float:
        """Megabytes that the server holds now."""
        return self._memory("VmRSS")

    def peak(self) -> float:
        """The most megabytes since `forget_peak`."""
        return self._memory("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")

    @property
    def _pid(self) -> int:
        return self.process.process.pid

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024

    def ask(self, query: str, variables: dict | None = None, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return self.http(
            "POST", "/graphql/", json={"query": query, "variables": variables or {}}, headers=headers
        )

    def http(self, method: str, path: str, **options) -> httpx.Response:
        return httpx.request(method, self.url + path, timeout=60, trust_env=False, **options)

    def recognize(self, data: bytes, name: str = "a.jpg", token: str | None = None) -> httpx.Response:
        query = "mutation ($i: Upload!) { recognizeProduct(image: $i) { answer } }"
        form = {
            "operations": f'{{"query": "{query}", "variables": {{"i": null}}}}',
            "map": '{"0": ["variables.i"]}',
        }
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return self.http("POST", "/graphql/", data=form, files={"0": (name, data)}, headers=headers)

    def note(self, what: str, value: float, unit: str) -> None:
        """Write a figure down: `pytest tests/attacks -o log_cli=true -o log_cli_level=INFO` shows them."""
        logger.info("%s: %.2f %s", what, value, unit)

    def answers(self) -> None:
        """It is there, and nothing that happened so far was a fault of its own."""
        assert self.ask("{ shops { totalCount } }").json()["data"]["shops"]["totalCount"] == 1
        said = self.process.said()
        assert "Traceback" not in said, said[-3000:]
        assert "INTERNAL" not in said


def cookie_of(user) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@pytest.fixture
def victim(project) -> Victim:
    return Victim(project)


def usual_seconds(do: Callable[[], object], times: int = 7) -> float:
    """The median of what something takes."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        do()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def refused_code(error_or_answer: httpx.Response) -> str:
    """The code of an answer's first error; empty if there is none."""
    with contextlib.suppress(ValueError, LookupError, TypeError):
        return error_or_answer.json()["errors"][0]["extensions"]["code"]
    return ""
