"""Speaks to the project that a job came from, as its run's token allows.

Only allowed hosts are contacted, redirects are not followed, and no proxy of the environment is used.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx

from catalog.photo_files import PhotoRefused
from ml_training.dataset.embeddings import FILE_CHANGED
from ml_training.recognizer.export import ModelFile
from ml_training.trainer.hosts import AllowedHosts
from ml_training.trainer.jobs import Job

TRIES = 5
FIRST_WAIT = 0.5  # seconds; doubled with every try
MAX_MANIFEST = 512 * 1024 * 1024  # bytes
MAX_BACKBONE = 1024 * 1024 * 1024
MUTATION = (
    "mutation($runId: ID, $modelJson: Upload!, $weights: Upload!, $metadata: Upload!) {"
    " completeTraining(runId: $runId, modelJson: $modelJson, weights: $weights, metadata: $metadata)"
    " { version } }"
)
NOT_JUDGED = {"INTERNAL", "TOO_LARGE", "TOO_COMPLEX"}  # codes of the API itself


class RunGone(Exception):
    """Raised when the run is not this trainer's any more: nothing more is reported of it."""


class ProjectFailed(RuntimeError):
    """Raised when the project cannot be reached or answers what it should not; says what."""


class Project:
    """Context manager. Calling it from several threads is safe."""

    def __init__(self, job: Job, hosts: AllowedHosts, stop: threading.Event, max_photo: int):
        self.job, self._stop, self._max_photo, self._hosts = job, stop, max_photo, hosts
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {job.token}", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(60, connect=10),
            follow_redirects=False,
            trust_env=False,
            # Nothing leaves this process for another host.
            event_hooks={"request": [lambda request: hosts.check(request.url)]},
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._http.close()

    def manifest_lines(self) -> Iterator[bytes]:
        return iter(self._get(self.job.manifest_url, MAX_MANIFEST).splitlines())

    def backbone(self) -> bytes:
        content = self._get(self.job.backbone_url, MAX_BACKBONE)
        if hashlib.sha256(content).hexdigest() != self.job.backbone_sha256:
            raise ProjectFailed(
                "the project's web server has another build of the backbone than its worker; "
                "install the same requirements on both"
            )
        return content

    def photo(self, url: str, sha256: str) -> bytes:
        """Fetch a photo.

        Raises:
            PhotoRefused: it is gone, too large, or not the photo that the manifest lists.
        """
        self._hosts.check(url)
        gone = PhotoRefused("The photo was deleted during the run.")
        content = self._get(url, self._max_photo, missing=gone)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise PhotoRefused(FILE_CHANGED)
        return content

    def report(self, kind: str, phase: str = "", percent: float = 0.0, message: str = "") -> None:
        """Report once. Raises RunGone, or ProjectFailed when it did not arrive."""
        news = {"kind": kind, "phase": phase, "percent": round(percent, 2), "message": message}
        try:
            self._check(self._http.post(self.job.webhook_url, json=news, timeout=10))
        except httpx.TransportError as error:
            raise ProjectFailed(f"the project cannot be reached ({error})") from error

    def complete(self, files: dict[str, ModelFile]) -> None:
        """End the run with its model.

        Args:
            files: by kind; the project makes the ONNX files itself.
        Raises:
            RunGone: the project takes nothing more of this run, or refused the model and ended the run.
        """
        sent = {"modelJson": files["model_json"], "weights": files["weights"], "metadata": files["metadata"]}
        variables = {"runId": str(self.job.run), **dict.fromkeys(sent)}
        form = {
            "operations": json.dumps({"query": MUTATION, "variables": variables}),
            "map": json.dumps({name: [f"variables.{name}"] for name in sent}),
        }
        parts = {name: (file.name, file.content, "application/octet-stream") for name, file in sent.items()}

        def send() -> tuple[httpx.Response, bytes]:
            return self._http.post(self.job.completion_url, data=form, files=parts, timeout=300), b""

        answer, _ = self._try(send)
        try:
            errors = answer.json().get("errors")
        except (ValueError, AttributeError) as error:
            raise ProjectFailed(f"the project answered {answer.status_code} and no JSON") from error
        # One that the project did not judge at all: it waits for a word of its trainer.
        if errors and _first_error(errors).partition(":")[0] in NOT_JUDGED:
            raise ProjectFailed(f"the project could not take the model ({_first_error(errors)})")
        if errors:
            raise RunGone(_first_error(errors))
        self._check(answer)

    def _get(self, url: str, limit: int, missing: Exception | None = None) -> bytes:
        def fetch() -> tuple[httpx.Response, bytes]:
            with self._http.stream("GET", url) as answer:
                if answer.status_code != 200:
                    answer.read()
                    return answer, b""
                content = bytearray()
                for chunk in answer.iter_raw():
                    content += chunk
                    if len(content) > limit:
                        raise ProjectFailed(f"{url} is larger than {limit} bytes")
                return answer, bytes(content)

        answer, content = self._try(fetch)
        if answer.status_code == 404 and missing is not None:
            raise missing
        self._check(answer)
        return content

    def _try(self, send: Callable[[], tuple[httpx.Response, bytes]]) -> tuple[httpx.Response, bytes]:
        """Call a function until it reaches the project, a few times, ever later."""
        for number in range(TRIES - 1):
            with suppress(httpx.TransportError):
                answer, content = send()
                if answer.status_code < 500:
                    return answer, content
            if self._stop.wait(FIRST_WAIT * 2**number):
                raise RunGone("The trainer is being stopped.")
        try:
            return send()
        except httpx.TransportError as error:
            raise ProjectFailed(f"the project cannot be reached ({error})") from error

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code in (401, 403, 409, 410):
            raise RunGone(answer.text[:300])
        if answer.status_code != 200:
            raise ProjectFailed(f"the project answered {answer.status_code} to {answer.url}")


def _first_error(errors) -> str:
    try:
        return f"{errors[0]['extensions']['code']}: {errors[0]['message']}"
    except (KeyError, IndexError, TypeError):
        return str(errors)[:300]
