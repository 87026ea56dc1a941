"""What meets somebody else's change at the same moment is tried once more, and then as usual."""

import pytest
from django.contrib.messages import get_messages, success
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from config.second_try import is_conflict, tried_again


def of_postgresql(code: str) -> OperationalError:
    error = OperationalError("in whatever language")
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": code})()
    return error


MET = [
    IntegrityError("one_sku_per_shop"),
    of_postgresql("40P01"),
    DatabaseError("Save … did not affect any rows."),
]
OTHER = [
    OperationalError("database is locked"),
    of_postgresql("55P03"),
    DatabaseError("x"),
    ValueError("did not affect any rows"),
]


def view_that_fails(times: int, error: Exception):
    reads = []

    @tried_again
    def view(request):
        reads.append(request.FILES["photo"].read() if request.FILES else b"")
        success(request, "Saved.")
        if len(reads) <= times:
            raise error
        return HttpResponse("done")

    return view, reads


@pytest.fixture
def request_of(rf: RequestFactory, settings):
    def make(method="post", **data):
        request = getattr(rf, method)("/", data)
        from django.contrib.messages.storage.cookie import CookieStorage

        request._messages = CookieStorage(request)
        return request

    return make


@pytest.mark.parametrize("error", MET)
def test_it_is_tried_again_with_the_same_files_and_says_things_once(request_of, error):
    view, reads = view_that_fails(1, error)
    request = request_of(photo=SimpleUploadedFile("a.jpg", b"bytes"))
    assert view(request).content == b"done"
    assert reads == [b"bytes", b"bytes"]
    assert [str(one) for one in get_messages(request)] == ["Saved."]


def test_it_is_tried_no_third_time(request_of):
    view, reads = view_that_fails(2, MET[0])
    with pytest.raises(IntegrityError):
        view(request_of())
    assert len(reads) == 2


@pytest.mark.parametrize("error", OTHER)
def test_nothing_else_is_tried_again(request_of, error):
    assert not is_conflict(error)
    view, reads = view_that_fails(1, error)
    with pytest.raises(type(error)):
        view(request_of())
    assert len(reads) == 1


def test_reading_a_page_is_not_tried_again(request_of):
    view, reads = view_that_fails(1, MET[0])
    with pytest.raises(IntegrityError):
        view(request_of("get"))
    assert len(reads) == 1


def test_a_file_that_has_been_moved_away_is_not_sent_again(request_of, tmp_path):
    view, reads = view_that_fails(1, MET[0])
    request = request_of(photo=SimpleUploadedFile("a.jpg", b"bytes"))
    request.FILES["photo"].temporary_file_path = lambda: str(tmp_path / "gone")
    with pytest.raises(IntegrityError):
        view(request)
    assert len(reads) == 1
