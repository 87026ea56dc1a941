"""Every way in which a model that came from elsewhere can be wrong is found before it is used."""

import hashlib
import io
import json
import pickle

import numpy as np
import pytest
from safetensors.numpy import load, save

from ml_training.backbones.loader import open_embedder
from ml_training.dataset.manifest import Manifest, ManifestPhoto, ManifestProduct
from ml_training.remote.verify import ModelRefused, check_sizes, read_model
from tests.support.handing import make_files

pytestmark = pytest.mark.training

PRODUCTS = tuple(ManifestProduct(pk, f"sku-{pk}", f"Product {pk}") for pk in (11, 12, 13))
PHOTOS = tuple(
    ManifestPhoto(100 + number, f"{number:064x}", "", "p.jpg", pk, f"sku-{pk}")
    for number, pk in enumerate([11, 11, 12, 12, 13, 13])
)
MANIFEST = Manifest(PRODUCTS, PHOTOS)
KINDS = ("model_json", "weights", "metadata")


@pytest.fixture(scope="module")
def backbone(django_db_setup):
    return open_embedder().backbone


@pytest.fixture
def files(backbone):
    made = make_files(backbone, MANIFEST)
    return {kind: made[kind] for kind in KINDS}


def with_hashes(files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files, listed in model.json as they are."""
    described = json.loads(files["model_json"])
    for kind in ("weights", "metadata"):
        described["files"][kind]["sha256"] = hashlib.sha256(files[kind]).hexdigest()
    return files | {"model_json": json.dumps(described).encode()}


def changed(files: dict[str, bytes], kind: str, **values) -> dict[str, bytes]:
    """The same files with other values in one of the two JSON files."""
    content = json.loads(files[kind]) | values
    return with_hashes(files | {kind: json.dumps(content).encode()})


def refusal(backbone, files: dict[str, bytes], manifest: Manifest = MANIFEST) -> str:
    with pytest.raises(ModelRefused) as refused:
        read_model(manifest, backbone, **files)
    assert str(refused.value).endswith((".", ")"))
    return refused.value.code


def labels(*pks) -> list[dict]:
    return [{"id": pk} for pk in pks]


def test_sound_model_is_read(backbone, files):
    model, set_aside = read_model(MANIFEST, backbone, **files)
    assert model.usable == MANIFEST
    assert set_aside == []
    assert model.head.weights.shape == (3, backbone.vector_size)
    assert model.head.temperature == 2.0


def test_classes_may_come_in_another_order(backbone, files):
    model, _ = read_model(MANIFEST, backbone, **changed(files, "metadata", labels=labels(13, 11, 12)))
    assert [product.pk for product in model.usable.products] == [13, 11, 12]


def test_names_come_from_the_manifest_and_not_from_the_trainer(backbone, files):
    forged = [{"id": pk, "sku": "other", "name": "<script>"} for pk in (11, 12, 13)]
    model, _ = read_model(MANIFEST, backbone, **changed(files, "metadata", labels=forged))
    assert model.usable.products == PRODUCTS


def test_product_whose_photos_were_all_set_aside_may_be_missing(backbone, files):
    smaller = make_files(backbone, MANIFEST.without({104, 105}))
    aside = [{"photo": 104, "reason": "Damaged."}, {"photo": 105, "reason": "x" * 9999}]
    files = changed({kind: smaller[kind] for kind in KINDS}, "metadata", set_aside=aside)
    model, set_aside = read_model(MANIFEST, backbone, **files)
    assert [product.pk for product in model.usable.products] == [11, 12]
    assert [(photo.pk, len(reason)) for photo, reason in set_aside] == [(104, 8), (105, 300)]


@pytest.mark.parametrize(
    "said",
    [
        labels(11, 12),
        labels(11, 12, 12),
        labels(11, 12, 14),
        labels(11, 12, 13, 13),
        labels(11, 12, "13"),
        labels(11, 12, 13.0),
        labels(11, 12, None),
        labels(11, 12, [13]),
        [11, 12, 13],
        None,
        {},
        "labels",
    ],
)
def test_labels_that_are_not_the_manifests_products_are_refused(backbone, files, said):
    assert refusal(backbone, changed(files, "metadata", labels=said)) == "LABELS_REFUSED"


@pytest.mark.parametrize(
    "said",
    [
        [{"photo": 999, "reason": ""}],
        [{"photo": 100}],
        [7],
        7,
        "x",
        [{"photo": [1], "reason": ""}],
        [{"photo": 100.0, "reason": ""}],
        [{"photo": "100", "reason": ""}],
        [{"photo": True, "reason": ""}],
    ],
)
def test_set_aside_that_names_no_photo_of_the_manifest_is_refused(backbone, files, said):
    assert refusal(backbone, changed(files, "metadata", set_aside=said)) == "METADATA_REFUSED"


@pytest.mark.parametrize("said", [[1], "x", {"text": "\0"}, {"\0": 1}, {"text": "\ud800"}])
def test_metrics_that_no_database_could_keep_are_refused(backbone, files, said):
    assert refusal(backbone, changed(files, "metadata", metrics=said)) == "METADATA_REFUSED"


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"metrics": {"x": NaN}}']
)
@pytest.mark.parametrize("kind", ["model_json", "metadata"])
def test_json_that_is_none_is_refused(backbone, files, kind, content):
    broken = files | {kind: content}
    assert refusal(backbone, with_hashes(broken) if kind == "metadata" else broken) == "FORMAT_UNKNOWN"


def test_other_format_is_refused(backbone, files):
    assert refusal(backbone, changed(files, "model_json", format="shelfsight/99")) == "FORMAT_UNKNOWN"


@pytest.mark.parametrize("kind", ["weights", "metadata"])
def test_file_with_another_hash_is_refused(backbone, files, kind):
    assert refusal(backbone, files | {kind: files[kind] + b" "}) == "HASH_DIFFERS"


@pytest.mark.parametrize("listed", [None, [], {}, {"weights": {}}, {"weights": "x", "metadata": "y"}])
def test_model_json_that_lists_no_hashes_is_refused(backbone, files, listed):
    content = json.loads(files["model_json"]) | {"files": listed}
    assert refusal(backbone, files | {"model_json": json.dumps(content).encode()}) == "HASH_DIFFERS"


@pytest.mark.parametrize("name", ["id", "sha256", "vector_size", "preprocessing"])
def test_model_for_another_backbone_is_refused(backbone, files, name):
    said = json.loads(files["model_json"])["backbone"] | {name: "other"}
    assert refusal(backbone, changed(files, "model_json", backbone=said)) == "BACKBONE_DIFFERS"


def with_weights(files, **tensors) -> dict[str, bytes]:
    return with_hashes(files | {"weights": save(load(files["weights"]) | tensors)})


def test_pickles_and_other_formats_are_refused_without_being_opened(backbone, files):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("It was unpickled.",))

    buffer = io.BytesIO()
    np.savez(buffer, weights=np.zeros(3))
    for content in (pickle.dumps(Bomb()), buffer.getvalue(), b"", b"\xff" * 64, b"PK\x03\x04"):
        assert refusal(backbone, with_hashes(files | {"weights": content})) == "WEIGHTS_REFUSED"


def test_header_that_promises_more_than_the_file_has_is_refused(backbone, files):
    header = json.dumps({"weights": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    content = len(header).to_bytes(8, "little") + header
    assert refusal(backbone, with_hashes(files | {"weights": content})) == "WEIGHTS_REFUSED"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(backbone, files, value):
    for name in ("weights", "bias"):
        tensor = load(files["weights"])[name].copy()
        tensor.flat[-1] = value
        assert refusal(backbone, with_weights(files, **{name: tensor})) == "WEIGHTS_REFUSED"


def test_shapes_and_kinds_of_numbers_are_checked(backbone, files):
    tensors = load(files["weights"])
    for wrong in (
        {"weights": tensors["weights"][:2]},
        {"weights": tensors["weights"][:, 1:]},
        {"weights": tensors["weights"].astype(np.float64)[:, : backbone.vector_size // 2]},
        {"weights": tensors["weights"].astype(np.float16)},
        {"bias": tensors["bias"].astype(np.int32)},
        {"bias": tensors["bias"][None]},
    ):
        assert refusal(backbone, with_weights(files, **wrong)) == "WEIGHTS_REFUSED"
    assert refusal(backbone, with_hashes(files | {"weights": save({"w": np.zeros(1)})})) == "WEIGHTS_REFUSED"


def test_shape_that_model_json_and_weights_agree_on_must_fit_the_labels(backbone, files):
    head = json.loads(files["model_json"])["head"] | {"classes": 2}
    tensors = load(files["weights"])
    smaller = with_weights(files, weights=tensors["weights"][:2], bias=tensors["bias"][:2])
    assert refusal(backbone, changed(smaller, "model_json", head=head)) == "WEIGHTS_REFUSED"


@pytest.mark.parametrize("value", [0, -1, 1e9, "2", None, [2.0]])
def test_temperature_that_is_none_is_refused(backbone, files, value):
    head = json.loads(files["model_json"])["head"] | {"temperature": value}
    assert refusal(backbone, changed(files, "model_json", head=head)) == "WEIGHTS_REFUSED"


@pytest.mark.parametrize("kind", KINDS)
def test_file_larger_than_any_model_of_the_shop_is_refused_unread(backbone, files, kind):
    sizes = {name: len(content) for name, content in files.items()} | {kind: 10**9}
    with pytest.raises(ModelRefused) as refused:
        check_sizes(MANIFEST, backbone, sizes)
    assert refused.value.code == "MODEL_TOO_LARGE"


@pytest.mark.parametrize("name", ["judged", "mistaken", "strangers"])
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        {"100": 1},
        {"100": [11]},
        {"100": [12, 11]},
        {"999": [11, 11]},
        {"100": [11, 99]},
        {"100": [11, True]},
        {"100": [11, 11.0]},
        {"100": [11.0, 11]},
        {"100": ["11", 11]},
    ],
)
def test_photos_that_something_is_said_of_must_be_those_of_the_manifest(backbone, files, name, pairs):
    assert refusal(backbone, changed(files, "metadata", **{name: pairs})) == "METADATA_REFUSED"


def test_what_is_said_of_photos_is_kept(backbone, files):
    evidence = {"mistaken": {"100": [11, 13]}, "strangers": {"105": [13, 11]}}
    said = {"judged": {"100": [11, 12], "105": [13, 13]}, **evidence}
    model, _ = read_model(MANIFEST, backbone, **changed(files, "metadata", **said))
    assert {"judged": model.cross_validated, **model.evidence} == said


def test_numbers_of_a_trainer_that_does_not_round_are_rounded(backbone, files):
    """So that `head.onnx` and Python compute with the same ones."""
    given = load(files["weights"])["weights"]
    model, _ = read_model(MANIFEST, backbone, **files)
    assert not np.array_equal(given.astype(np.float16), given)
    np.testing.assert_array_equal(model.head.weights, given.astype(np.float16))
