"""The commands of training as a person or a script calls them: what they print, and how they end."""

import pytest

from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs import lifecycle
from tests.factories import add_photo, make_shop, stock
from tests.support.commands import only_json
from tests.support.training import active_version, last_run, queued_run, statuses, trained, work

pytestmark = pytest.mark.django_db(transaction=True)


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


# --- reconcile -------------------------------------------------------------------------------------


@pytest.mark.training
def test_reconcile_says_what_it_mended(shop, manage):
    ShopTraining.objects.create(shop=shop, wanted=1)
    code, out, _ = manage("reconcile")
    assert (code, out) == (
        0,
        "0 runs given up, 1 queued, 0 woken; 0 files and vectors that belonged to nothing removed.\n",
    )
    assert work() == 1


def test_reconcile_reports_the_runs_as_one_json_object(shop, manage):
    ShopTraining.objects.create(shop=shop, wanted=1)
    code, out, _ = manage("reconcile", "--json")
    assert code == 0
    assert only_json(out) == {
        "given_up": [],
        "queued": [TrainingRun.objects.get().pk],
        "woken": [],
        "removed": 0,
    }
