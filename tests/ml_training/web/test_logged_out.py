"""A session that ended before a button was pressed: back to the page, with a word that nothing was done."""

import pytest
from django.test import Client

from ml_training.models import TrainingRun

ADDRESSES = ["prepare", "cancel-deep", "advice/move", "versions/activate"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_after_the_login_one_is_back_on_the_page_and_told(staff, shop, address):
    browser, path = Client(), f"/admin/settings/ml-model/{address}/?shop={shop.slug}"
    sent = browser.post(path)
    assert sent.status_code == 302

    login = browser.get(sent["Location"])
    assert "nothing was saved" in login.text
    page = browser.post(sent["Location"], {"username": staff.username, "password": "password"}, follow=True)

    assert page.status_code == 200
    assert page.redirect_chain[-1][0] == f"/admin/settings/ml-model/?shop={shop.slug}"
    assert "Nothing was done: you had to log in first." in page.text
    assert not TrainingRun.objects.exists()


def test_a_form_of_the_admin_says_that_nothing_was_saved(product):
    browser = Client()
    sent = browser.post(f"/admin/catalog/product/{product.pk}/change/", {"name": "Other"})

    assert "nothing was saved" in browser.get(sent["Location"]).text
    product.refresh_from_db()
    assert product.name != "Other"


def test_looking_at_a_page_without_a_session_says_nothing_of_it(db):
    page = Client().get("/admin/settings/ml-model/", follow=True)

    assert "nothing was saved" not in page.text
