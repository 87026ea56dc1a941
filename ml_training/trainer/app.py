"""The trainer's small ASGI application: POST /v1/train and GET /v1/health. Run by `runtrainer`."""

import asyncio
import hmac
import json
import logging
import threading
from collections.abc import Callable

from api.strict_json import NotJson, read_json
from ml_training.trainer.hosts import AllowedHosts, HostRefused
from ml_training.trainer.jobs import Job, JobRefused, read_job

logger = logging.getLogger(__name__)
MAX_BODY = 64 * 1024  # bytes
STOP_SECONDS = 5  # how long jobs may take to say that they were stopped


class TrainerApp:
    """Answers at once; each job then runs in a thread of its own.

    Args:
        do: trains a job until it is done or the event is set.
        max_jobs: how many shops are trained at the same time.
    """

    def __init__(
        self,
        token: str,
        hosts: AllowedHosts,
        do: Callable[[Job, threading.Event], None],
        max_jobs: int = 2,
    ):
        self._token, self._hosts, self._do, self._max_jobs = token, hosts, do, max_jobs
        self._jobs: dict[tuple[str, int], threading.Thread] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            try:
                status, answer = await self._answer(scope, receive)
            except (JobRefused, HostRefused) as refused:
                status, code = getattr(refused, "status", 400), getattr(refused, "code", "HOST_REFUSED")
                logger.warning("A request was refused (%s): %s", code, refused)
                answer = {"errors": [{"message": str(refused), "extensions": {"code": code}}]}
            await _send_json(send, status, answer)

    async def _answer(self, scope, receive) -> tuple[int, dict]:
        asked = (scope["method"], scope["path"])
        if asked == ("GET", "/v1/health"):
            return 200, {"status": "ready"}
        if asked != ("POST", "/v1/train"):
            raise JobRefused("There is POST /v1/train and GET /v1/health.", 404, "NOT_FOUND")
        sent = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(sent, f"Bearer {self._token}".encode()):
            raise JobRefused("The token is not this trainer's ML_TRAINER_TOKEN.", 401, "UNAUTHENTICATED")
        job = read_job(await _read_json(receive), self._hosts)
        self._start(job)
        return 202, {"run": job.run, "shop": job.shop}

    def _start(self, job: Job) -> None:
        with self._lock:
            self._jobs = {key: thread for key, thread in self._jobs.items() if thread.is_alive()}
            if job.key in self._jobs:
                raise JobRefused(f"Shop {job.shop} is in training already.", 409, "IN_TRAINING")
            if len(self._jobs) >= self._max_jobs or self._stop.is_set():
                raise JobRefused("There is no room for another job now.", 503, "NO_ROOM")
            name = f"run {job.run}"
            thread = threading.Thread(target=self._do, args=(job, self._stop), name=name, daemon=True)
            self._jobs[job.key] = thread
            thread.start()

    async def _live(self, receive, send) -> None:
        while True:
            message = await receive()
            is_end = message["type"] == "lifespan.shutdown"
            if is_end:
                await asyncio.to_thread(self.stop)
            await send({"type": f"{message['type']}.complete"})
            if is_end:
                return

    def stop(self) -> None:
        """Let all jobs tell their projects that they were stopped."""
        self._stop.set()
        for thread in self._jobs.values():
            thread.join(STOP_SECONDS)


async def _read_json(receive) -> object:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise JobRefused("The request was cut off.")
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise JobRefused(f"A request has at most {MAX_BODY} bytes.", 413, "TOO_LARGE")
        if not message.get("more_body"):
            break
    try:
        return read_json(body)
    except NotJson as error:
        raise JobRefused("The request is not JSON.") from error


async def _send_json(send, status: int, value: dict) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
