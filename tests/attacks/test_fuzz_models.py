"""Model files that were good until something in them was changed: none is active that cannot answer."""

import hashlib
import json
import random

import numpy as np
import pytest
from safetensors.numpy import load, save

from ml_training.models import ModelVersion
from ml_training.recognition.recognize import Answer, recognize
from ml_training.remote.callbacks import run_manifest
from ml_training.remote.verify import ModelRefused, read_model
from ml_training.runs import queue
from ml_training.storage import storage
from tests.factories import bearer, photo_bytes
from tests.support.api import ask
from tests.support.handing import complete, handed_over
from tests.support.running.victim import ROUNDS, SEED
from tests.support.training import active_version, trained

pytestmark = [pytest.mark.training, pytest.mark.django_db(transaction=True)]
KINDS = ("model_json", "weights", "metadata")
ODD = [
    None,
    True,
    -1,
    0,
    10**400,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    "",
    "1e5",
    1.9,
    "x" * 400,
    [],
    {},
    [[]],
    {"a": 1},
]


def good_files(shop) -> dict[str, bytes]:
    """Those of a version that was trained here, with all tensors that there are."""
    version = trained(shop, products=3, photos=3)
    files = {}
    for kind in KINDS:
        name = version.files[kind]["name"] if kind != "model_json" else "model.json"
        with storage().open(f"{version.folder}/{name}", "rb") as file:
            files[kind] = file.read()
    return files


def change_json(content: bytes, chance: random.Random) -> bytes:
    """Put something odd in the place of a value somewhere inside."""
    root = json.loads(content)
    place, steps = root, 0
    while True:
        keys = [*place] if isinstance(place, dict) else [*range(len(place))]
        if not keys:
            return content
        key = chance.choice(keys)
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.3 or steps > 6:
            place[key] = chance.choice(ODD)
            return json.dumps(root).encode()
        place, steps = inner, steps + 1


def change_weights(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.3:
        changed = bytearray(content)
        for _ in range(chance.randrange(1, 9)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)
    tensors = {name: tensor.copy() for name, tensor in load(content).items()}
    name = chance.choice([*tensors])
    odd = chance.choice([np.nan, np.inf, -np.inf, 3e38, 1e38, -1e38, 0.0, 1e-38])
    tensor = tensors[name]
    kind = chance.randrange(4)
    if kind == 0:
        tensors[name] = np.full_like(tensor, odd)
    elif kind == 1 and tensor.size:
        tensor.reshape(-1)[chance.randrange(tensor.size)] = odd
    elif kind == 2:
        tensors[name] = tensor[..., :-1] if tensor.ndim else tensor
    else:
        del tensors[name]
    return save(tensors)


def with_hashes(files: dict[str, bytes]) -> dict[str, bytes]:
    described = json.loads(files["model_json"])
    try:
        for kind in ("weights", "metadata"):
            described["files"][kind]["sha256"] = hashlib.sha256(files[kind]).hexdigest()
            described["files"][kind]["bytes"] = len(files[kind])
    except (TypeError, KeyError):
        return files  # what lists them was what was changed
    return files | {"model_json": json.dumps(described).encode()}


def changed(files: dict[str, bytes], chance: random.Random) -> dict[str, bytes]:
    kind = chance.choice(KINDS)
    change = change_weights if kind == "weights" else change_json
    return with_hashes(files | {kind: change(files[kind], chance)})


@pytest.fixture
def good(shop) -> dict[str, bytes]:
    return good_files(shop)


def test_changed_model_is_refused_or_answers(shop, good, backbone, caplog):
    chance = random.Random(SEED)
    queue.request_training(shop.pk, queue.Change("photo_added", "again"))
    run, token = handed_over(shop, products=0)
    manifest = run_manifest(run)
    assert read_model(manifest, backbone, **good), "unchanged it is taken"
    accepted, refused = [], 0
    for _ in range(150 * ROUNDS):
        files = changed(good, chance)
        try:
            read_model(manifest, backbone, **files)
            accepted.append(files)
        except ModelRefused:
            refused += 1
    assert refused > 20
    for files in accepted[: 4 * ROUNDS]:
        answer = complete(token, files, run.pk)
        assert "INTERNAL" not in json.dumps(answer)
        assert recognize(shop, photo_bytes()).answer in Answer
        assert active_version(shop).number >= 1
        _every_page_answers(shop)
        queue.request_training(shop.pk, queue.Change("photo_added", "again"))
        run, token = handed_over(shop, products=0)
    assert "Traceback" not in caplog.text


def _every_page_answers(shop) -> None:
    query = """{ modelVersions { edges { node { number accuracy files { name } } } } }"""
    assert "INTERNAL" not in json.dumps(ask(query, token=bearer(shop, "read")))
    assert ModelVersion.objects.filter(shop=shop).exists()
