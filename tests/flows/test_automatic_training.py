"""From the admin form to the active model through a real worker process, with no command typed."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog.models import Product
from ml_training.models import TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.status.shop import training_info
from tests.factories import add_photo, photo_bytes
from tests.support.running.workers import wait_until_it_trains, wait_until_trained

pytestmark = pytest.mark.worker


def post_product(client, name: str, kind: int, photos: int) -> Product:
    """Send the admin's form for a new product with several photos, as a browser does."""
    files = [SimpleUploadedFile(f"{name}-{seed}.jpg", photo_bytes(kind, seed)) for seed in range(photos)]
    form = {"name": name, "sku": name, "unit": "piece", "is_active": "on", "new_photos": files}
    form |= {"images-TOTAL_FORMS": "0", "images-INITIAL_FORMS": "0"}
    response = client.post(reverse("admin:catalog_product_add"), form)
    assert response.status_code == 302, response.context["errors"]
    return Product.objects.get(sku=name)


def best_answer(shop, kind: int) -> str:
    return recognize(shop, photo_bytes(kind, seed=99)).candidates[0].name


def test_photos_added_in_the_admin_form_become_the_active_model(shop, staff_client, start_worker):
    post_product(staff_client, "ovals", kind=0, photos=4)
    squares = post_product(staff_client, "squares", kind=1, photos=4)
    run = TrainingRun.objects.get()
    assert (run.status, training_info(shop).status) == ("queued", "queued")

    start_worker()
    first = wait_until_trained(shop)
    assert (first.number, first.products, first.photos, first.run) == (1, 2, 8, run)
    assert training_info(shop).status == "active"
    assert [best_answer(shop, 0), best_answer(shop, 1)] == ["ovals", "squares"]

    post_product(staff_client, "arcs", kind=2, photos=2)
    second = wait_until_trained(shop, after=first)
    assert (second.products, second.photos) == (3, 10)
    assert best_answer(shop, 2) == "arcs"

    squares.delete()
    third = wait_until_trained(shop, after=second)
    assert (third.products, third.photos) == (2, 6)


def test_photos_saved_one_by_one_while_a_run_is_going_make_exactly_one_more_run(
    shop, many_photos, start_worker
):
    start_worker()
    first = wait_until_it_trains(shop)
    for seed in range(10):
        add_photo(many_photos[0], kind=0, seed=1000 + seed)
    assert TrainingRun.objects.get(status="training") == first
    version = wait_until_trained(shop)
    assert (version.number, version.photos) == (2, sum(product.images.count() for product in many_photos))
    assert [run.status for run in TrainingRun.objects.all()] == ["completed", "completed"]
