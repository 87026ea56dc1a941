"""Every query and mutation, tried as whoever may not: refused with the right code, and nothing happens."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from catalog.models import Shop
from config.schema import schema
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from notifications.models import Notification
from tests.factories import add_version, bearer, expired, fill, make_staff, revoked
from tests.support.api import ask, code, data

PEOPLE = None  # no scope suffices: for people only
READ = ("read", "train")
ASSET = '{ path: "1/elsewhere/x" }'
FIELDS = {
    "shops": ("{ shops { totalCount } }", READ),
    "products": ("{ products SHOP { totalCount } }", READ),
    "mlTrainingInfo": ("{ mlTrainingInfo SHOP { status } }", READ),
    "mlModelInfo": ("{ mlModelInfo SHOP { hasModel } }", READ),
    "mlAdvice": ("{ mlAdvice SHOP { version } }", READ),
    "mlTrainingManifest": ("{ mlTrainingManifest SHOP { version } }", READ),
    "trainingRuns": ("{ trainingRuns SHOP { totalCount } }", READ),
    "modelVersions": ("{ modelVersions SHOP { totalCount } }", READ),
    "notifications": ("{ notifications { totalCount } }", PEOPLE),
    "unreadNotificationCount": ("{ unreadNotificationCount }", PEOPLE),
    "extractPhotosForTraining": ("mutation { extractPhotosForTraining SHOP { run { id } } }", ("train",)),
    "setMlModelStatus": ("mutation { setMlModelStatus(status: IDLE AND) { changed } }", ("train",)),
    "cancelDeepTraining": ("mutation { cancelDeepTraining SHOP { changed } }", ("train",)),
    "clearMlModel": ("mutation { clearMlModel SHOP { changed } }", ("train",)),
    "activateModelVersion": ("mutation { activateModelVersion(version: 1 AND) { changed } }", ("train",)),
    "linkMlModelAssets": (
        (
            f"mutation {{ linkMlModelAssets(assets: {{ modelJson: {ASSET}, weights: {ASSET}, "
            f"metadata: {ASSET} }} AND) {{ modelVersion {{ number }} }} }}"
        ),
        ("train",),
    ),
    "moveProductImages": (
        'mutation { moveProductImages(imageIds: ["1"], productId: "1") { moved { id } } }',
        PEOPLE,
    ),
    "markNotificationRead": (
        'mutation { markNotificationRead(id: "1") { unreadNotificationCount } }',
        PEOPLE,
    ),
    "markAllNotificationsRead": ("mutation { markAllNotificationsRead { marked } }", PEOPLE),
}
ELSEWHERE = {  # field: where its own refusals are tested
    "node": "tests/catalog/test_schema.py",
    "recognizeProduct": "tests/api/test_recognize.py",
    "updateTrainingStatus": "the tests of the external trainer",
    "completeTraining": "the tests of the external trainer",
}
EVERY = pytest.mark.parametrize("field", FIELDS)


def text(field: str, shop: Shop | None = None) -> str:
    query, _ = FIELDS[field]
    if shop is None:
        return query.replace("SHOP", "").replace(" AND", "")
    return query.replace("SHOP", f'(shopId: "{shop.pk}")').replace(" AND", f', shopId: "{shop.pk}"')


def takes_a_shop(field: str) -> bool:
    return "SHOP" in FIELDS[field][0] or " AND" in FIELDS[field][0]


@pytest.fixture(autouse=True)
def something_to_lose(shop, staff):
    fill(shop, 2)
    add_version(shop)
    Notification.objects.create(recipient=staff, shop=shop, level="info", title="News", key="1")


@pytest.fixture(autouse=True)
def nothing_happens(something_to_lose, shop):
    yield
    assert Notification.objects.filter(read_at=None).count() == 1
    assert TrainingRun.objects.count() == 1
    assert ModelVersion.objects.count() == 1
    assert ShopTraining.objects.get(shop=shop).active_version is not None


def test_every_field_is_tried_here_or_elsewhere():
    there = {
        *schema.graphql_schema.query_type.fields,
        *schema.graphql_schema.mutation_type.fields,
    }
    assert there == {*FIELDS, *ELSEWHERE}


@EVERY
def test_nobody_is_refused(field, shop):
    assert code(ask(text(field))) == "UNAUTHENTICATED"
    assert code(ask(text(field, shop))) == "UNAUTHENTICATED"


@EVERY
def test_customer_with_a_login_is_refused(field, shop):
    customer = get_user_model().objects.create_user("customer")
    shop.members.add(customer)
    client = Client()
    client.force_login(customer)
    assert code(ask(text(field), client=client)) == "UNAUTHENTICATED"


@EVERY
def test_staff_of_another_shop_is_refused(field, shop, other_shop):
    client = Client()
    client.force_login(make_staff("stranger", other_shop))
    if takes_a_shop(field):
        assert code(ask(text(field, shop), client=client)) == "NOT_FOUND"
    elif field == "moveProductImages":
        assert code(ask(text(field), client=client)) == "NOT_FOUND"
    elif field == "markNotificationRead":
        note = Notification.objects.get()
        answer = ask(text(field).replace('"1"', f'"{note.pk}"'), client=client)
        assert code(answer) == "NOT_FOUND", "it is somebody else's"
    else:
        answer = data(ask(text(field), client=client))
        assert answer in (
            {"shops": {"totalCount": 1}},  # their own
            {"notifications": {"totalCount": 0}},
            {"unreadNotificationCount": 0},
            {"markAllNotificationsRead": {"marked": 0}},
        )


@EVERY
def test_member_without_permission_is_refused(field, shop):
    client = Client()
    client.force_login(make_staff("new", shop, permissions=False))
    assert code(ask(text(field), client=client)) == "FORBIDDEN"


@EVERY
def test_token_without_the_scope_is_refused(field, shop):
    scopes = FIELDS[field][1] or ()
    without = [scope for scope in ("read", "recognize", "train") if scope not in scopes]
    assert code(ask(text(field), token=bearer(shop, *without))) == "FORBIDDEN"


@EVERY
@pytest.mark.parametrize("make", [expired, revoked])
def test_token_that_ended_is_refused(field, shop, make):
    assert code(ask(text(field), token=make(shop, "read", "recognize", "train"))) == "UNAUTHENTICATED"


@EVERY
def test_token_of_another_shop_is_refused(field, shop, other_shop):
    token = bearer(other_shop, "read", "recognize", "train")
    if takes_a_shop(field):
        assert code(ask(text(field, shop), token=token)) == "NOT_FOUND"
    elif field == "shops":
        assert data(ask(text(field), token=token)) == {"shops": {"totalCount": 1}}
    else:
        assert code(ask(text(field), token=token)) == "FORBIDDEN"


@pytest.mark.parametrize("field", [name for name, (query, scopes) in FIELDS.items() if scopes == READ])
@pytest.mark.parametrize("scope", READ)
def test_token_with_either_scope_reads(field, shop, scope):
    assert data(ask(text(field), token=bearer(shop, scope)))
    assert data(ask(text(field, shop), token=bearer(shop, scope)))
