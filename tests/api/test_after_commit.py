"""What is done after a commit: a failure is logged, and neither the save nor what comes after it is lost."""

import pytest
from django.db import transaction

from api.after_commit import after_commit
from catalog.models import Shop


@pytest.mark.django_db(transaction=True)
def test_a_failure_after_the_commit_holds_up_nothing(caplog):
    def fail(path: str) -> None:
        raise OSError(30, "Read-only file system", path)

    done = []
    with transaction.atomic():
        Shop.objects.create(name="Kept", slug="kept")
        after_commit(fail, "a.jpg")
        after_commit(done.append, 1)
        assert done == []
    assert Shop.objects.filter(slug="kept").exists()
    assert done == [1]
    assert "the save itself holds" in caplog.text
    assert "Read-only file system" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_nothing_is_done_after_a_rollback():
    done = []
    with transaction.atomic():
        after_commit(done.append, 1)
        transaction.set_rollback(True)
    assert done == []
