"""The commands recognize and evaluate: what a shop's model says of photos on disk."""

import pytest
from PIL import Image

from catalog.models import Product
from tests.factories import photo_bytes
from tests.support.commands import only_json
from tests.support.training import trained

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def labelled(tmp_path):
    """A folder of photos of the default shop's products, none of which was trained on."""
    root = tmp_path / "labelled"
    for kind in range(3):
        folder = root / f"default-{kind}"
        folder.mkdir(parents=True)
        for seed in (60, 61):
            (folder / f"{seed}.jpg").write_bytes(photo_bytes(kind, seed))
    return root


# --- evaluate ----------------------------------------------------------------------------------------


@pytest.mark.training
def test_evaluate_measures_the_active_version_as_one_json_object(shop, manage, labelled):
    trained(shop, products=3, photos=2)
    code, out, _ = manage("evaluate", labelled, "--json")
    report = only_json(out)
    assert code == 0
    assert (report["photos"], report["unknown_skus"]) == (6, [])
    assert 0.8 <= report["top1"] <= report["top3"] == 1.0
    assert list(report["per_product"]) == ["default-0", "default-1", "default-2"]
    assert {counts["photos"] for counts in report["per_product"].values()} == {2}
    assert report["seconds"] > 0


@pytest.mark.training
def test_evaluate_counts_wrong_answers_as_wrong(shop, manage, labelled):
    trained(shop, products=2, photos=2)
    (labelled / "default-0").rename(labelled / "swap")
    (labelled / "default-1").rename(labelled / "default-0")
    (labelled / "swap").rename(labelled / "default-1")
    _, out, _ = manage("evaluate", labelled, "--json")
    assert only_json(out)["top1"] <= 0.25


@pytest.mark.training
def test_evaluate_counts_unknown_skus_and_broken_files_apart(shop, manage, labelled):
    trained(shop, products=2, photos=2)
    (labelled / "default-0" / "broken.jpg").write_bytes(b"broken")
    code, out, err = manage("evaluate", labelled, "--json")
    report = only_json(out)
    assert code == 0
    assert (report["unknown_skus"], report["photos"]) == (["default-2"], 4)
    assert [item["file"] for item in report["refused"]] == ["default-0/broken.jpg"]
    assert "default-2" in err


@pytest.mark.training
def test_evaluate_of_unknown_products_alone_says_how_many_were_named(shop, manage, labelled):
    trained(shop, products=2, photos=2)
    for sku in ("default-0", "default-1"):
        (labelled / sku).rename(labelled.parent / sku)
    code, out, err = manage("evaluate", labelled, "--json")
    report = only_json(out)
    assert code == 0
    assert "named all the same" in err
    assert (report["photos"], report["top1"], report["named"]) == (0, None, None)
    assert (report["unknown_photos"], report["unknown_named"]) == (2, 0.0)


@pytest.mark.training
def test_evaluate_says_its_result_in_words(shop, manage, labelled):
    trained(shop, products=3, photos=2)
    code, out, _ = manage("evaluate", labelled)
    assert (code, "6 photos: first answer right" in out) == (0, True)


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [("missing", "is not a folder"), ("empty", "No image files"), ("labelled", "has no model yet")],
)
def test_evaluate_that_cannot_measure_fails_with_a_sentence(shop, manage, labelled, folder, sentence):
    (labelled.parent / "empty").mkdir()
    code, out, err = manage("evaluate", labelled.parent / folder, "--json")
    assert (code, out) == (1, "")
    assert sentence in err


# --- recognize -------------------------------------------------------------------------------------


@pytest.mark.training
def test_recognize_names_the_product_on_each_photo_as_one_json_object(shop, manage, labelled):
    version = trained(shop, products=3, photos=2)
    files = [labelled / "default-2" / "60.jpg", labelled / "default-0" / "60.jpg"]
    code, out, _ = manage("recognize", *files, "--json")
    report = only_json(out)
    assert (code, report["version"]) == (0, version.number)
    assert [result["file"] for result in report["results"]] == [str(file) for file in files]
    best = [result["candidates"][0] for result in report["results"]]
    assert [(item["sku"], item["name"]) for item in best] == [
        ("default-2", "Product 2"),
        ("default-0", "Product 0"),
    ]
    assert all(0 < item["probability"] <= 1 for item in best)


@pytest.mark.training
def test_recognize_reports_an_unreadable_file_beside_the_others_and_is_not_done(
    shop, manage, labelled, tmp_path
):
    trained(shop, products=2, photos=1)
    broken, tiny, good = tmp_path / "broken.jpg", tmp_path / "tiny.gif", labelled / "default-0" / "60.jpg"
    broken.write_bytes(b"broken")
    Image.new("RGB", (8, 8)).save(tiny)
    missing = tmp_path / "missing.jpg"
    code, out, err = manage("recognize", broken, missing, good, tiny, "--json")
    results = only_json(out)["results"]
    assert code == 1
    assert ["error" in result for result in results] == [True, True, False, True]
    assert [bool(result["candidates"]) for result in results] == [False, False, True, False]
    for path in (broken, missing, tiny):
        assert str(path) in err


@pytest.mark.training
def test_recognize_says_its_answer_in_words(shop, manage, labelled):
    trained(shop, products=2, photos=1)
    code, out, _ = manage("recognize", labelled / "default-1" / "60.jpg")
    assert code == 0
    assert "Product 1 (default-1)" in out
    Product.objects.update(is_active=False)
    code, out, _ = manage("recognize", labelled / "default-1" / "60.jpg")
    assert "no product of the model is switched on" in out


def test_recognize_without_a_model_fails_with_a_sentence(shop, manage, labelled):
    code, out, err = manage("recognize", labelled / "default-1" / "60.jpg", "--json")
    assert (code, out) == (1, "")
    assert "has no model yet" in err


@pytest.mark.training
@pytest.mark.parametrize("command", ["recognize", "evaluate"])
def test_damaged_model_is_an_error_with_a_sentence(shop, manage, labelled, tmp_path, command):
    version = trained(shop, products=2, photos=1)
    (tmp_path / "models" / version.folder / "weights.safetensors").write_bytes(b"damaged")
    target = labelled if command == "evaluate" else labelled / "default-1" / "60.jpg"
    code, out, err = manage(command, target, "--json")
    assert (code, out) == (1, "")
    assert "weights.safetensors of version 1 is damaged" in err
    assert "Traceback" not in err


@pytest.mark.training
def test_recognize_answers_photos_of_one_product_together(shop, manage, tmp_path):
    trained(shop, products=5, photos=4)
    files = [tmp_path / f"{seed}.jpg" for seed in (60, 61)]
    for seed, file in zip((60, 61), files, strict=True):
        file.write_bytes(photo_bytes(1, seed))
    code, out, _ = manage("recognize", *files, "--together", "--json")
    (result,) = only_json(out)["results"]
    assert code == 0
    assert result["file"] == f"{files[0]}, {files[1]}"
    assert result["answer"] in {"NAMED", "CHOOSE", "UNKNOWN"}
    assert 0 <= result["confidence"] <= 1
    assert result["candidates"][0]["sku"] == "default-1"
    assert result["candidates"][0].keys() == {
        "product_id",
        "sku",
        "name",
        "probability",
        "price",
        "barcode",
        "unit",
    }


def test_recognize_takes_no_more_than_five_photos_together(shop, manage, tmp_path):
    code, out, err = manage("recognize", *[tmp_path / f"{n}.jpg" for n in range(6)], "--together", "--json")
    assert (code, out) == (1, "")
    assert "Up to 5 photos of one product are taken together." in err


@pytest.mark.training
def test_recognize_has_no_answer_for_a_file_that_cannot_be_read(shop, manage, tmp_path):
    trained(shop, products=2, photos=2)
    (tmp_path / "broken.jpg").write_bytes(b"broken")
    code, out, _ = manage("recognize", tmp_path / "broken.jpg", "--json")
    (result,) = only_json(out)["results"]
    assert code == 1
    assert (result["answer"], result["candidates"]) == (None, [])
    assert result["error"]
