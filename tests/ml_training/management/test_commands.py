"""The commands of training as a person or a script calls them: what they print, and how they end."""

import json

import pytest
from django.core.management import load_command_class
from PIL import Image

from catalog.models import Product
from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs import lifecycle
from tests.factories import add_photo, make_shop, photo_bytes, stock
from tests.support.training import active_version, last_run, queued_run, statuses, trained, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manage(capfd):
    """Call a command as `manage.py` does; returns its exit code and all that any library wrote."""

    def call(name: str, *args) -> tuple[int, str, str]:
        capfd.readouterr()
        code = 0
        try:
            load_command_class("ml_training", name).run_from_argv(["manage.py", name, *map(str, args)])
        except SystemExit as ended:
            code = ended.code
        return code, *capfd.readouterr()

    return call


def only_json(out: str) -> dict:
    """The one JSON object that standard output is made of."""
    assert out.count("\n") == 1
    report = json.loads(out)
    assert isinstance(report, dict)
    return report


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


# --- train -----------------------------------------------------------------------------------------


def test_train_does_what_is_owed_and_reports_it_as_one_json_object(shop, manage):
    stock(shop, products=3, photos=2)
    code, out, _ = manage("train", "--json")
    report = only_json(out)
    assert code == 0
    figures = {name: report[name] for name in ("version", "products", "photos", "set_aside")}
    assert figures == {"version": 1, "products": 3, "photos": 6, "set_aside": 0}
    assert set(report["phases"]) == {"preparing", "embedding", "fitting", "evaluating", "publishing"}
    assert 0 < report["seconds"] < 60
    assert statuses(shop) == ["completed"]


def test_train_says_in_words_what_it_did(shop, manage):
    stock(shop, products=2, photos=1)
    code, out, _ = manage("train")
    assert code == 0
    assert "Version 1 is active." in out
    assert "2 photos of 2 products" in out


def test_train_counts_one_photo_as_one(shop, manage):
    stock(shop, products=1, photos=1)
    _, out, _ = manage("train")
    assert "1 photo of 1 product in" in out


@pytest.mark.training
def test_train_with_nothing_owed_says_so_and_is_success(shop, manage):
    trained(shop, products=2, photos=1)
    code, out, _ = manage("train")
    assert (code, "Nothing is owed" in out) == (0, True)
    code, out, err = manage("train", "--json")
    report = only_json(out)
    assert (code, report["version"], report["products"], report["photos"]) == (0, 1, 2, 2)
    assert (report["seconds"], report["phases"]) == (0.0, {})
    assert "Nothing is owed" in err
    assert statuses(shop) == ["completed"]


@pytest.mark.training
def test_train_all_trains_afresh_when_nothing_is_owed(shop, manage):
    trained(shop, products=2, photos=1)
    code, out, _ = manage("train", "--all", "--json")
    assert (code, only_json(out)["version"]) == (0, 2)
    assert last_run(shop).fresh


def test_train_of_a_shop_with_too_few_photos_says_what_is_missing_and_is_success(shop, manage):
    stock(shop, products=1, photos=2)
    code, out, _ = manage("train")
    assert (code, "Only Product 0 has a usable photo" in out) == (0, True)
    add_photo(shop.products.get(), seed=10)
    code, out, _ = manage("train", "--json")
    assert (code, only_json(out)["version"]) == (0, None)


def test_train_names_the_photos_it_set_aside(shop, manage):
    products = stock(shop, products=2, photos=2)
    photo = products[0].images.first()
    photo.image.storage.delete(photo.image.name)
    code, out, err = manage("train", "--json")
    assert (code, only_json(out)["set_aside"]) == (0, 1)
    assert "default-0/photo-0-0.jpg" in err


def test_train_works_in_the_named_shop_only(shop, manage):
    stock(shop, products=2, photos=1)
    other = make_shop("corner", products=2, photos=1)
    code, _, _ = manage("train", "--shop", "corner")
    assert code == 0
    assert active_version(other).number == 1
    assert active_version(shop) is None


@pytest.mark.parametrize(
    ("command", "args"), [("train", []), ("evaluate", ["."]), ("recognize", ["photo.jpg"])]
)
def test_unknown_shop_is_an_error_that_names_the_shops(shop, manage, command, args):
    code, out, err = manage(command, "--shop", "nowhere", "--json", *args)
    assert (code, out) == (1, "")
    assert "'nowhere'" in err
    assert shop.slug in err


def test_train_beside_a_worker_that_trains_fails_and_says_so(shop, manage):
    stock(shop, products=2, photos=1)
    lifecycle.claim(queued_run(shop).pk)
    code, out, err = manage("train", "--json")
    assert (code, out) == (1, "")
    assert "A worker is training this shop" in err


def test_train_that_fails_says_why(shop, manage, tmp_path):
    stock(shop, products=2, photos=1)
    (tmp_path / "models").write_text("a file where the folder should be")
    code, out, err = manage("train", "--json")
    assert (code, out) == (1, "")
    assert "Training stopped" in err
    (tmp_path / "models").unlink()


# --- evaluate --------------------------------------------------------------------------------------


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


# --- reconcile -------------------------------------------------------------------------------------


@pytest.mark.training
def test_reconcile_says_what_it_mended(shop, manage):
    ShopTraining.objects.create(shop=shop, wanted=1)
    code, out, _ = manage("reconcile")
    assert (code, out) == (0, "0 runs given up, 1 queued, 0 woken.\n")
    assert work() == 1


def test_reconcile_reports_the_runs_as_one_json_object(shop, manage):
    ShopTraining.objects.create(shop=shop, wanted=1)
    code, out, _ = manage("reconcile", "--json")
    assert code == 0
    assert only_json(out) == {"given_up": [], "queued": [TrainingRun.objects.get().pk], "woken": []}
