"""A project and a trainer as two real processes on loopback, and whatever a test ends by itself."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.db import connection

from config.demo import BASE_DIR
from ml_training.recognizer.backbone import packaged_backbone
from tests.support.running.installation import free_port
from tests.support.running.waiting import wait_until

SECONDS = 60
TOKEN = "a-secret-of-both-sides-for-tests"


class Process:
    """A program of ours at a port of its own; its output is in `log`."""

    def __init__(self, folder: Path, name: str, arguments: list[str], environment: dict[str, str]):
        self.name, self.port = name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._arguments, self.environment = arguments, environment
        self.process: subprocess.Popen | None = None

    def start(self, probe: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._arguments, "--port", str(self.port)],
                cwd=BASE_DIR,
                env=environment | self.environment,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._answers(probe))

    def _answers(self, probe: str) -> bool:
        assert self.process.poll() is None, f"{self.name} ended:\n{self.log.read_text()[-3000:]}"
        try:
            return httpx.get(self.url + probe, trust_env=False).status_code < 500
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(15)

    def said(self) -> str:
        return self.log.read_text()


@pytest.fixture
def make_web_server(transactional_db, settings, tmp_path):
    """A function that starts the project's web server, on the test's own database and files.

    The test itself is the worker.
    """
    packaged_backbone(settings.BACKBONE, settings.CACHE_DIR)
    (tmp_path / "cache").symlink_to(settings.CACHE_DIR)
    usual = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": settings.SECRET_KEY,
        "BACKBONE": settings.BACKBONE,
        "HTTPS": "0",
    }
    made = []

    def make(**environment: str) -> Process:
        name = f"project{len(made) or ''}"
        process = Process(tmp_path, name, ["manage.py", "serve"], usual | environment)
        made.append(process)
        process.start("/v1/runs/0/status")
        return process

    yield make
    for process in made:
        process.kill()


@pytest.fixture
def project(make_web_server, settings):
    process = make_web_server()
    settings.PUBLIC_URL, settings.ML_TRAINER_TOKEN = process.url, TOKEN
    return process


@pytest.fixture
def make_trainer(settings, tmp_path_factory):
    """A function that makes a `runtrainer` process for a project: a folder of its own, and no database."""
    made = []

    def make(project_url: str, start: bool = True, **environment: str) -> Process:
        folder = tmp_path_factory.mktemp("trainer")
        usual = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",  # nothing listens there
            "DATA_DIR": str(folder),
            "ML_TRAINER_TOKEN": TOKEN,
            "ML_TRAINER_ALLOWED_HOSTS": project_url.removeprefix("http://"),
        }
        process = Process(folder, "trainer", ["manage.py", "runtrainer"], usual | environment)
        made.append(process)
        if start:
            process.start("/v1/health")
        return process

    yield make
    for process in made:
        process.kill()


@pytest.fixture
def trainer(project, make_trainer, settings):
    process = make_trainer(project.url)
    settings.ML_TRAINER_URL = process.url
    return process


@pytest.fixture
def worker(project, trainer, settings):
    """A real worker of the project, which hands runs to the trainer."""
    handing = {
        "ML_TRAINER_URL": trainer.url,
        "ML_TRAINER_TOKEN": TOKEN,
        "PUBLIC_URL": project.url,
        "ML_TRAINER_SILENCE_SECONDS": "6",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=BASE_DIR,
        env=os.environ | project.environment | handing,
        start_new_session=True,
    )
    yield process
    process.terminate()  # it ends its queue with it
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
