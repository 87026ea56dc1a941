"""Which version serves: activate, switch off, clear, link; nothing that is refused leaves a trace."""

import hashlib
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs.queue import Change, request_training
from ml_training.storage import storage
from ml_training.versions import files as version_files
from tests.factories import bearer, photo_bytes
from tests.support.api import ask, code, data, recognize
from tests.support.training import events, model_files, no_model_files_left, trained, work

__all__ = ["events", "no_model_files_left"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]
INFO = "mlModelInfo { hasModel version status }"
LINK = """mutation ($assets: MLModelAssetsInput!, $activate: Boolean) {
  linkMlModelAssets(assets: $assets, activate: $activate) {
    modelVersion { number isActive products photos files { kind present } } mlModelInfo { version } } }"""
KINDS = {"modelJson": "model_json", "weights": "weights", "metadata": "metadata"}


@pytest.fixture
def version(shop) -> ModelVersion:
    return trained(shop)


@pytest.fixture
def token(version, shop) -> str:
    return bearer(shop, "train", "recognize")


def change(mutation: str, token: str) -> tuple[bool, dict]:
    (found,) = data(ask(f"mutation {{ {mutation} {{ changed {INFO} }} }}", token=token)).values()
    return found["changed"], found["mlModelInfo"]


def contents(version: ModelVersion) -> dict[str, bytes]:
    return {name: version_files.read(version, kind) for name, kind in KINDS.items()}


def put(shop, files: dict[str, bytes], folder: str = "elsewhere") -> dict:
    """Store files as somebody with access to the storage would, and say where they are."""
    for name, content in files.items():
        storage().save(f"{shop.pk}/{folder}/{name}", ContentFile(content))
    return {name: {"path": f"{shop.pk}/{folder}/{name}"} for name in files}


def test_earlier_version_serves_again_and_pages_are_told(shop, version, token, events):
    request_training(shop.pk, Change("asked"))
    work()
    assert ShopTraining.objects.get().active_version.number == 2
    events.clear()
    changed, info = change("activateModelVersion(version: 1)", token)
    assert changed
    assert info == {"hasModel": True, "version": 1, "status": "ACTIVE"}
    assert [(event.kind, event.message) for event in events] == [("changed", "Version 1 serves.")]
    assert change("activateModelVersion(version: 1)", token) == (False, info)
    assert len(events) == 1
    answer = ask("mutation { activateModelVersion(version: 3) { changed } }", token=token)
    assert code(answer) == "NOT_FOUND"


@pytest.mark.parametrize(("now", "word"), [(b"something else", "damaged"), (None, "missing")])
@pytest.mark.parametrize("mutation", ["activateModelVersion(version: 1)", "setMlModelStatus(status: ACTIVE)"])
def test_version_with_a_damaged_file_is_not_activated(
    shop, version, token, mutation, now, word, settings, tmp_path
):
    settings.DATA_DIR = tmp_path  # where all is in the end: a file missing there is not the weather
    change("clearMlModel", token)
    name = f"{version.folder}/weights.safetensors"
    storage().delete(name)
    if now is not None:
        storage().save(name, ContentFile(now))
    answer = ask(f"mutation {{ {mutation} {{ changed }} }}", token=token)
    assert code(answer) == "CONFLICT"
    assert word in answer["errors"][0]["message"]
    assert ShopTraining.objects.get().active_version is None


@pytest.mark.parametrize("mutation", ["clearMlModel", "setMlModelStatus(status: IDLE)"])
def test_no_version_serves_and_nothing_is_lost_until_one_is_activated(
    shop, version, token, mutation, tmp_path
):
    files = model_files(tmp_path)
    idle = {"hasModel": False, "version": None, "status": "IDLE"}
    assert change(mutation, token) == (True, idle)
    assert change(mutation, token) == (False, idle)
    assert model_files(tmp_path) == files
    assert ModelVersion.objects.count() == 1
    refused = recognize(token, photo_bytes())
    assert code(refused) == "CONFLICT"
    info = data(ask("{ mlTrainingInfo { status message } }", token=token))["mlTrainingInfo"]
    assert info["status"] == "IDLE"
    assert "Activate one" in info["message"]
    assert change("setMlModelStatus(status: ACTIVE)", token)[1]["version"] == 1
    assert change("setMlModelStatus(status: ACTIVE)", token)[0] is False


def test_next_training_makes_its_version_active(shop, version, token):
    change("clearMlModel", token)
    data(ask("mutation { extractPhotosForTraining { run { status } } }", token=token))
    work()
    assert data(ask(f"{{ {INFO} }}", token=token))["mlModelInfo"]["version"] == 2


def test_shop_without_versions_cannot_be_switched_on(shop):
    token = bearer(shop, "train")
    assert code(ask("mutation { setMlModelStatus(status: ACTIVE) { changed } }", token=token)) == "CONFLICT"
    wrong = "mutation { setMlModelStatus(status: IDLE, version: 1) { changed } }"
    assert code(ask(wrong, token=token)) == "BAD_INPUT"


def test_photo_of_a_product_is_recognised(shop, version, token):
    answer = data(recognize(token, photo_bytes(1, seed=0)))["recognizeProduct"]
    assert answer["version"] == 1
    assert len(answer["candidates"]) == 3
    best = answer["candidates"][0]
    assert best["name"] == "Product 1"
    assert best["productId"] == str(shop.products.get(sku=best["sku"]).pk)
    assert 1 >= best["probability"] >= answer["candidates"][1]["probability"] >= 0


@pytest.mark.parametrize("photo", [b"", b"GIF89a", b"%PDF-1.7 no photo at all"])
def test_upload_of_the_wrong_kind_is_refused_with_a_sentence(token, photo):
    answer = recognize(token, photo)
    assert code(answer) == "BAD_INPUT"
    assert answer["errors"][0]["message"].endswith(".")


@pytest.mark.parametrize("activate", [True, False])
@pytest.mark.parametrize("how", ["path", "upload"])
def test_files_of_a_model_become_a_version_of_their_own(
    shop, version, token, tmp_path, how, activate, events
):
    files = contents(version)
    if how == "path":
        assets = put(shop, files)
        assets["weights"]["sha256"] = hashlib.sha256(files["weights"]).hexdigest().upper()
        answer = ask(LINK, {"assets": assets, "activate": activate}, token=token)
    else:
        variables = {"assets": {name: {"upload": None} for name in files}, "activate": activate}
        form = {
            "operations": json.dumps({"query": LINK, "variables": variables}),
            "map": json.dumps({name: [f"variables.assets.{name}.upload"] for name in files}),
            **{name: SimpleUploadedFile(name, content) for name, content in files.items()},
        }
        answer = Client().post("/graphql/", form, headers={"Authorization": f"Bearer {token}"}).json()
    linked = data(answer)["linkMlModelAssets"]
    assert linked["mlModelInfo"]["version"] == (2 if activate else 1)
    made = linked["modelVersion"]
    assert (made["number"], made["isActive"], made["products"], made["photos"]) == (2, activate, 3, 6)
    assert all(file["present"] for file in made["files"])
    # Whoever activates it says that it is right, and the gate begins with it.
    assert (ModelVersion.objects.get(number=2).chosen_at is not None) is activate
    assert events[-1].kind == "completed"
    assert "linked" in events[-1].message
    assert data(recognize(token, photo_bytes(1)))["recognizeProduct"]["version"] == (2 if activate else 1)


def broken(files: dict[str, bytes], what: str) -> dict[str, bytes]:
    """The files with one thing wrong with them."""
    if what == "other weights":
        return files | {"weights": files["weights"][:-4] + b"\x00\x00\x80\x3f"}
    if what == "no JSON":
        return files | {"modelJson": b"{"}
    described, said = json.loads(files["modelJson"]), json.loads(files["metadata"])
    if what == "other backbone":
        described["backbone"]["sha256"] = "0" * 64
    elif what == "unknown product":
        said["labels"][0]["id"] = 10**6
    elif what == "product left out":
        said["labels"].pop()
    metadata = json.dumps(said).encode()
    described["files"]["metadata"]["sha256"] = hashlib.sha256(metadata).hexdigest()
    return {**files, "modelJson": json.dumps(described).encode(), "metadata": metadata}


@pytest.mark.parametrize(
    "what", ["other weights", "no JSON", "other backbone", "unknown product", "product left out"]
)
def test_files_that_do_not_hold_are_refused_and_leave_nothing(shop, version, token, tmp_path, what):
    assets = put(shop, broken(contents(version), what))
    before = model_files(tmp_path), TrainingRun.objects.count()
    answer = ask(LINK, {"assets": assets}, token=token)
    assert code(answer) == "BAD_INPUT"
    assert (model_files(tmp_path), TrainingRun.objects.count()) == before
    assert ModelVersion.objects.count() == 1
    assert ShopTraining.objects.get().active_version == version


@pytest.mark.parametrize(
    "path",
    ["model.json", "/etc/passwd", "SHOP/../2/model.json", "SHOP/.hidden", "SHOP//x", "999/x", "SHOP/x\n", ""],
)
def test_paths_lead_nowhere_but_below_the_shops_own_folder(shop, version, token, path):
    assets = put(shop, contents(version))
    assets["weights"] = {"path": path.replace("SHOP", str(shop.pk))}
    assert code(ask(LINK, {"assets": assets}, token=token)) == "BAD_INPUT"


def test_files_that_are_not_there_or_named_twice_are_refused(shop, version, token):
    assets = put(shop, contents(version))
    missing = {**assets, "weights": {"path": f"{shop.pk}/nowhere/weights"}}
    assert code(ask(LINK, {"assets": missing}, token=token)) == "NOT_FOUND"
    wrong_hash = {**assets, "weights": {**assets["weights"], "sha256": "0" * 64}}
    assert code(ask(LINK, {"assets": wrong_hash}, token=token)) == "BAD_INPUT"
    assert code(ask(LINK, {"assets": {**assets, "weights": {}}}, token=token)) == "BAD_INPUT"
