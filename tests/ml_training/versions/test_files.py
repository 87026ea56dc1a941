"""Model files are written once, checked when read, and gone when they should be."""

import hashlib
import json

import pytest

from ml_training.models import ModelVersion, TrainingRun
from ml_training.recognizer.export import FILES, ModelFile
from ml_training.versions import files as version_files
from ml_training.versions.files import ModelFileDamaged
from tests.support.training import model_files, trained

KINDS = ["model_json", "weights", "metadata", "onnx", "head_onnx"]


def model_file(content: bytes, name="weights.safetensors") -> ModelFile:
    return ModelFile(name, content, hashlib.sha256(content).hexdigest())


@pytest.fixture
def version(shop):
    """A version whose only file is "weights"."""
    run = TrainingRun.objects.create(shop=shop, worker_token="0123456789abcdef")
    files = {"weights": model_file(b"some weights")}
    folder = version_files.folder_of(run)
    version_files.store(folder, files)
    return ModelVersion.objects.create(
        shop=shop,
        number=7,
        run=run,
        backbone="b",
        folder=folder,
        files=version_files.describe(files),
        products=2,
        photos=2,
    )


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_published_files_are_what_the_version_says(shop, tmp_path):
    version = trained(shop, products=2, photos=1)
    assert set(version.files) == set(FILES) == set(KINDS)
    for described in version.files.values():
        content = (tmp_path / "models" / version.folder / described["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == described["sha256"]
        assert len(content) == described["bytes"]
    listed = json.loads(version_files.read(version, "model_json"))["files"]
    assert listed == {kind: version.files[kind] for kind in KINDS if kind != "model_json"}


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_metadata_names_the_products_in_the_models_order(shop):
    version = trained(shop, products=3, photos=2)
    metadata = json.loads(version_files.read(version, "metadata"))
    products = shop.products.order_by("pk")
    assert metadata["labels"] == [{"id": item.pk, "sku": item.sku, "name": item.name} for item in products]
    assert metadata["counts"] == {"products": 3, "photos": 6}
    assert metadata["version"] == 1
    assert metadata["trained_at"]
    assert metadata["calibration"]["temperature"] > 0


def test_file_is_read_back_as_it_was_stored(version):
    assert version_files.read(version, "weights") == b"some weights"
    assert version_files.is_present(version, "weights")
    assert not version_files.is_present(version, "onnx")


@pytest.mark.parametrize("content", [b"", b"some weightz", b"some weights and more"])
def test_damaged_file_is_refused_with_a_sentence_that_names_it(version, tmp_path, content):
    (tmp_path / "models" / version.folder / "weights.safetensors").write_bytes(content)
    with pytest.raises(ModelFileDamaged, match=r"weights\.safetensors of version 7 is damaged\."):
        version_files.read(version, "weights")


def test_missing_file_is_refused_with_a_sentence_that_names_it(version, tmp_path):
    (tmp_path / "models" / version.folder / "weights.safetensors").unlink()
    with pytest.raises(ModelFileDamaged, match=r"weights\.safetensors of version 7 is missing\."):
        version_files.read(version, "weights")
    assert not version_files.is_present(version, "weights")


def test_another_try_at_the_same_run_writes_elsewhere(shop):
    run = TrainingRun(pk=5, shop=shop, worker_token="a" * 32)
    again = TrainingRun(pk=5, shop=shop, worker_token="b" * 32)
    assert version_files.folder_of(run) != version_files.folder_of(again)
    assert version_files.folder_of(run).startswith(f"{shop.pk}/")


def test_numbers_count_up_within_a_shop(version, other_shop):
    assert version_files.next_number(version.shop_id) == 8
    assert version_files.next_number(other_shop.pk) == 1


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_number_that_was_taken_meanwhile_is_replaced_in_the_files_too(shop, tmp_path):
    first = trained(shop, products=2, photos=1)
    late = copy(first)
    version_files.take_next_number(late)
    assert late.number == 2
    assert first.files == ModelVersion.objects.get().files
    assert json.loads(version_files.read(late, "metadata"))["version"] == 2
    listed = json.loads(version_files.read(late, "model_json"))["files"]
    assert listed == {kind: late.files[kind] for kind in KINDS if kind != "model_json"}
    assert version_files.read(late, "onnx")
    assert len(model_files(tmp_path)) == 5


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_number_that_is_free_is_kept_and_nothing_is_written(shop, tmp_path):
    version = trained(shop, products=2, photos=1)
    late = copy(version)
    late.number = 2
    (tmp_path / "models" / version.folder / "metadata.json").unlink()
    version_files.take_next_number(late)
    assert late.number == 2
    assert len(model_files(tmp_path)) == 4


def copy(version: ModelVersion) -> ModelVersion:
    """The same version, as a run has it before it is saved."""
    names = ("shop", "number", "backbone", "folder", "files", "products", "photos")
    return ModelVersion(**{name: getattr(version, name) for name in names})


def test_removing_a_version_leaves_others_alone_and_can_be_repeated(version, tmp_path):
    version_files.store("1/other", {"weights": model_file(b"more")})
    version_files.remove(version.folder)
    version_files.remove(version.folder)
    assert model_files(tmp_path) == ["1/other/weights.safetensors"]
    assert not (tmp_path / "models" / version.folder).exists()


def test_discarding_files_from_a_broken_storage_is_logged_and_raises_nothing(db, tmp_path, caplog):
    (tmp_path / "models").write_text("a file where the folder should be")
    version_files.discard("1/2-abc")
    assert "1/2-abc" in caplog.text
    (tmp_path / "models").unlink()
