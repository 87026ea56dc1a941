"""docs/api.md: its examples are run as they stand there."""

import json
import re
import shutil
import subprocess

import pytest
from django.conf import settings
from django.test import Client

from api import errors, limits
from api.execution import GraphQLRequest, prepare
from catalog.models import ProductImage, Shop
from config.schema import schema
from ml_training.versions import files as version_files
from tests.factories import bearer, make_staff, photo_bytes
from tests.support.api import Server, ask, data
from tests.support.training import active_version, no_model_files_left, trained

__all__ = ["no_model_files_left"]
TEXT = (settings.BASE_DIR / "docs" / "api.md").read_text()
pytestmark = pytest.mark.django_db(transaction=True)


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def token(shop) -> str:
    trained(shop)
    return bearer(shop, "read", "recognize", "train")


@pytest.mark.training
def test_graphql_examples_answer_without_errors(shop, token):
    client = Client()
    client.force_login(make_staff("staff", shop))
    queries = [query for query in examples("graphql") if not query.startswith("subscription")]
    assert len(queries) >= 8
    photo = ProductImage.objects.first()
    variables = {"images": [str(photo.pk)], "product": str(photo.product_id)}
    for query in queries:
        as_staff = query.startswith("# as staff")
        asker = {"client": client} if as_staff else {"token": token}
        assert data(ask(query, variables, **asker)), query
    assert active_version(shop).number == 1


def test_subscription_example_is_one(db):
    (query,) = [query for query in examples("graphql") if query.startswith("subscription")]
    assert prepare(schema, GraphQLRequest(query)).operation.value == "subscription"


@pytest.mark.training
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_shell_examples_work_against_a_real_server(transactional_db, tmp_path):
    shop = Shop.default()
    version = trained(shop)
    (tmp_path / "photo.jpg").write_bytes(photo_bytes(1))
    (tmp_path / "other-side.jpg").write_bytes(photo_bytes(1, seed=9))
    for kind in ("model_json", "weights", "metadata"):
        (tmp_path / version.files[kind]["name"]).write_bytes(version_files.read(version, kind))
    secret = bearer(shop, "read", "recognize", "train")
    with Server() as server:
        site = server.url.removesuffix("/graphql/")
        environment = {"SITE": site, "TOKEN": secret, "PATH": "/usr/bin:/bin:/usr/local/bin"}
        answers = [
            subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for command in examples("bash")
        ]
    assert len(answers) == 5
    first, recognised, together, linked, manifest = (
        [json.loads(line) for line in answer.splitlines()] for answer in answers
    )
    assert first[0]["data"]["mlTrainingInfo"]["status"] == "ACTIVE"
    for answer in (recognised, together):
        assert answer[0]["data"]["recognizeProduct"]["candidates"][0]["name"] == "Product 1"
    assert linked[0]["data"]["linkMlModelAssets"]["modelVersion"] == {"number": 2, "isActive": True}
    assert (manifest[0]["photos"], manifest[-1]["end"]) == (6, True)


def test_codes_and_limits_are_those_of_the_code():
    codes = [value for name, value in vars(errors).items() if value == name]
    assert re.findall(r"^\| `([A-Z_]+)` \|", TEXT, re.MULTILINE)[-len(codes) :] == codes
    for figure in (
        limits.MAX_TOKENS,
        limits.MAX_DEPTH,
        limits.MAX_FIELDS,
        limits.MAX_ALIASES,
        limits.MAX_COST,
    ):
        assert f"{figure:,} " in TEXT
