"""What a project asks for with `POST /v1/train`, checked."""

from dataclasses import dataclass

from ml_training.recognizer.preprocess import Preprocessing, preprocessing_from_json
from ml_training.trainer.hosts import AllowedHosts

FORMAT = "shelfsight-train/1"
MAX_TOKEN_LENGTH = 200  # characters
PREPROCESSING = (1, 2)  # versions of it


class JobRefused(ValueError):
    """Raised when a request cannot be taken; `status` is the answer's."""

    def __init__(self, text: str, status: int = 400, code: str = "BAD_INPUT"):
        super().__init__(text)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Job:
    shop: int
    run: int
    fresh: bool  # look at every photo again
    token: str
    manifest_url: str
    webhook_url: str
    completion_url: str
    backbone_id: str
    backbone_sha256: str
    backbone_url: str
    vector_size: int
    preprocessing: Preprocessing

    @property
    def key(self) -> tuple[str, int]:
        """One shop of one project: at most one of its jobs is under way."""
        return self.webhook_url.partition("/v1/")[0], self.shop


def read_job(request: object, hosts: AllowedHosts) -> Job:
    """Check what a project sent.

    Raises:
        JobRefused: something is missing or of the wrong kind.
        HostRefused: an address is not that of an allowed host.
    """
    if not isinstance(request, dict) or request.get("format") != FORMAT:
        raise JobRefused(f"The format must be {FORMAT!r}.")
    try:
        backbone = request["backbone"]
        job = Job(
            shop=_number(request["shop"]),
            run=_number(request["run"]),
            fresh=request.get("fresh") is True,
            token=_token(request["token"]),
            manifest_url=request["manifest_url"],
            webhook_url=request["webhook_url"],
            completion_url=request["completion_url"],
            backbone_id=str(backbone["id"]),
            backbone_sha256=_sha256(backbone["sha256"]),
            backbone_url=backbone["url"],
            vector_size=_number(backbone["vector_size"]),
            preprocessing=_preprocessing(backbone["preprocessing"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JobRefused(f"The request cannot be understood: {error!r}.") from error
    for url in (job.manifest_url, job.webhook_url, job.completion_url, job.backbone_url):
        hosts.check(url)
    return job


def _number(value) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _token(value: str) -> str:
    if not value.isascii() or not value.isprintable() or len(value) > MAX_TOKEN_LENGTH:
        raise ValueError("the token is no token")
    return value


def _sha256(value: str) -> str:
    if len(value) != 64 or not set(value) <= set("0123456789abcdef"):  # it becomes a file's name
        raise ValueError("the backbone's sha256 is no SHA-256")
    return value


def _preprocessing(described: dict) -> Preprocessing:
    """Read a backbone's preprocessing; one that this version does not know is refused, not approximated."""
    preprocessing = preprocessing_from_json(described)
    # Mean and scale may be any: the backbone's own graph applies them.
    is_known = preprocessing.version in PREPROCESSING and len(described) == len(preprocessing.as_json())
    if not is_known or not 32 <= preprocessing.side <= 1024:
        raise ValueError("this trainer does not know this preprocessing; run the project's release")
    if not all(view.is_inside for view in preprocessing.views) or not 1 <= len(preprocessing.views) <= 8:
        raise ValueError("the views cannot be cut")
    return preprocessing
