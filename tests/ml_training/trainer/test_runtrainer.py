"""The trainer's process: what it starts with, whom it answers, whom it contacts."""

import contextlib
import socket
import subprocess
import sys

import httpx
import pytest
from django.utils import timezone

from config.demo import BASE_DIR
from ml_training.backbones.loader import open_embedder
from ml_training.models import RunToken, TrainingRun
from ml_training.remote.handover import describe_job
from tests.support.running.outside import Outside
from tests.support.running.processes import TOKEN
from tests.support.running.waiting import wait_until

pytestmark = pytest.mark.training


@pytest.fixture
def outside():
    with Outside(404) as server:
        yield server


@pytest.fixture
def job(settings, outside):
    """A job of a project that is a stand-in."""
    settings.PUBLIC_URL = outside.url
    token = RunToken(expires_at=timezone.now())
    token.value = "shr_x"
    return describe_job(TrainingRun(pk=1, shop_id=1), open_embedder().backbone, token)


def ask(trainer, job, token: str = TOKEN) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{trainer.url}/v1/train", json=job, headers=headers, trust_env=False)


def code_of(answer: httpx.Response) -> str:
    return answer.json()["errors"][0]["extensions"]["code"]


def test_it_starts_without_a_database(make_trainer, outside, tmp_path):
    trainer = make_trainer(outside.url)
    assert httpx.get(f"{trainer.url}/v1/health", trust_env=False).json() == {"status": "ready"}
    trainer.stop()
    assert "Traceback" not in trainer.said()
    assert not list(trainer.log.parent.glob("*.sqlite3"))


def test_it_reads_requests_with_the_limits_of_the_web_server(make_trainer, outside):
    trainer, begin = make_trainer(outside.url), b"GET /v1/health HTTP/1.1\r\nHost: a\r\n"
    for head, status in (
        (begin + b"X-Long: y\r\n" * 10_000, b" 431 "),
        (begin + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b" 200 "),
    ):
        with socket.create_connection(("127.0.0.1", trainer.port), timeout=20) as raw:
            with contextlib.suppress(ConnectionError):
                raw.sendall(head)
            assert status in raw.recv(1000)
    assert "Traceback" not in trainer.said()


def test_it_starts_with_no_database_named_at_all(make_trainer, outside):
    trainer = make_trainer(outside.url, start=False)
    del trainer.environment["DATABASE_URL"]
    trainer.start("/v1/health")
    trainer.stop()
    assert not list(trainer.log.parent.glob("*.sqlite3*"))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("ML_TRAINER_TOKEN", ""), ("ML_TRAINER_TOKEN", "short"), ("ML_TRAINER_ALLOWED_HOSTS", ""),
     ("ML_TRAINER_ALLOWED_HOSTS", "*")],
)  # fmt: skip
def test_it_does_not_start_open_to_everyone(make_trainer, setting, value):
    made = make_trainer("http://shop.example", start=False, **{setting: value})
    ended = subprocess.run(
        [sys.executable, "manage.py", "runtrainer", "--port", str(made.port)],
        cwd=BASE_DIR,
        env={"PATH": "/usr/bin", **made.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert setting in ended.stderr
    assert "Traceback" not in ended.stderr


def test_strangers_and_nonsense_are_refused_and_nobody_is_contacted(make_trainer, outside, job):
    trainer = make_trainer(outside.url)
    for token in ("x", "wrong", TOKEN + "x", "é"):
        headers = {"Authorization": f"Bearer {token}".encode()}
        answer = httpx.post(f"{trainer.url}/v1/train", json=job, headers=headers, trust_env=False)
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
    for nonsense in (None, [], "x", {}, {"format": "other/1"}, {**job, "shop": "1"}, {**job, "run": -1},
                     {**job, "token": "a\nb"}, {**job, "token": None}, {**job, "backbone": {}},
                     {**job, "backbone": {**job["backbone"], "sha256": "../../etc"}},
                     {**job, "backbone": {**job["backbone"], "preprocessing": {"side": 9}}}):  # fmt: skip
        answer = ask(trainer, nonsense)
        assert (answer.status_code, code_of(answer)) == (400, "BAD_INPUT")
    assert ask(trainer, {**job, "x": "y" * 100_000}).status_code == 413
    assert httpx.get(f"{trainer.url}/v1/other", trust_env=False).status_code == 404
    assert outside.requests == []


def test_one_job_a_shop_and_no_more_jobs_than_there_is_room_for(make_trainer, outside, job):
    trainer = make_trainer(outside.url)
    with outside.held():
        assert ask(trainer, job).status_code == 202
        answer = ask(trainer, {**job, "run": 2})
        assert (answer.status_code, code_of(answer)) == (409, "IN_TRAINING")
        assert ask(trainer, {**job, "shop": 2}).status_code == 202
        answer = ask(trainer, {**job, "shop": 3})
        assert (answer.status_code, code_of(answer)) == (503, "NO_ROOM")
    wait_until(lambda: ask(trainer, job).status_code == 202)


def test_addresses_of_other_hosts_are_refused_and_not_contacted(make_trainer, outside, job):
    trainer = make_trainer(outside.url)
    with Outside() as private:
        for address in (
            f"{private.url}/v1/runs/1/status",
            f"http://{outside.host}@{private.host}/",
            f"http://localhost:{outside.host.rpartition(':')[2]}/",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "",
            None,
        ):
            for name in ("manifest_url", "webhook_url", "completion_url"):
                answer = ask(trainer, {**job, name: address})
                assert (answer.status_code, code_of(answer)) == (400, "HOST_REFUSED"), (name, address)
            answer = ask(trainer, {**job, "backbone": {**job["backbone"], "url": address}})
            assert (answer.status_code, code_of(answer)) == (400, "HOST_REFUSED")
        assert private.requests == []
        assert outside.requests == []


def test_redirect_to_another_host_is_not_followed(make_trainer, outside, job):
    with Outside() as private:
        trainer = make_trainer(outside.url)
        outside.status, outside.headers = 302, {"Location": f"{private.url}/secret"}
        assert ask(trainer, job).status_code == 202
        wait_until(lambda: "answered 302" in trainer.said())
        assert private.requests == []


def test_photo_at_another_host_is_not_fetched(make_trainer, outside, job):
    """The manifest of a project that was broken into sends the trainer elsewhere."""
    with Outside() as private:
        trainer = make_trainer(outside.url)
        lines = [b'{"format": "shelfsight-manifest/1", "products": 2, "photos": 2}']
        for pk in (1, 2):
            image = f'{{"id": {pk}, "url": "{private.url}/p", "filename": "p", "sha256": "{pk:064x}"}}'
            lines.append(f'{{"id": {pk}, "sku": "s", "name": "n", "images": [{image}]}}'.encode())
        outside.status, outside.body = 200, b"\n".join(lines)
        backbone = open_embedder().backbone
        cached = trainer.log.parent / "cache" / "trainer" / "backbones" / f"{backbone.sha256}.onnx"
        cached.parent.mkdir(parents=True)
        cached.symlink_to(backbone.path)
        assert ask(trainer, job).status_code == 202
        wait_until(lambda: any(b'"failed"' in body for _, _, body in outside.requests))
        assert b"is not contacted" in outside.requests[-1][2]
        assert private.requests == []


def test_run_token_goes_to_the_project_only_and_is_not_logged(make_trainer, outside, job):
    outside.status = 401
    trainer = make_trainer(outside.url)
    ask(trainer, job)
    wait_until(lambda: "was given up" in trainer.said())
    assert outside.requests[0][1]["Authorization"] == "Bearer shr_x"
    assert "shr_x" not in trainer.said()
    assert TOKEN not in trainer.said()
