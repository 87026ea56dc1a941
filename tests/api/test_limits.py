"""Hostile requests: refused with a code before they cost anything, and never with a traceback."""

import json
import time

import pytest
from django.db import OperationalError, connection
from django.test import Client
from graphql.error import located_error

from api.errors import CONFLICT, ApiError, public_error
from api.execution import GraphQLErrors, GraphQLRequest, prepare
from config.schema import schema
from ml_training.models import ModelVersion
from tests.factories import add_version, bearer
from tests.support.api import ask, code, data, post

INTROSPECTION = "{ __schema { queryType { name } types { name fields { name type { name } } } } }"


def nested(levels: int) -> str:
    return (
        "{ products { edges { node { "
        + "images { edges { node { " * levels
        + "id"
        + " } } }" * levels
        + " } } } }"
    )


def doubled_fragments(count: int) -> str:
    """Each fragment names the next twice: 2 to the power of `count` fields."""
    chain = [f"fragment f{n} on Shop {{ ...f{n + 1} ...f{n + 1} }}" for n in range(count)]
    query = "{ shops { edges { node { ...f0 } } } }"
    return " ".join([query, *chain, f"fragment f{count} on Shop {{ name }}"])


EXPENSIVE = """{ a: products { ...p } b: products { ...p } }
  fragment p on ProductConnection { edges { node {
    images { edges { node { id url sha256 width height filename addedAt position } } } } } }"""
ALIASES = " ".join(f"a{n}: shops {{ totalCount }}" for n in range(21))
DEEP_INTROSPECTION = "{ __schema { types " + "{ fields { type " * 4 + "{ name } " + "} } " * 4 + "} }"
IN_ITSELF = "{ shops { ...f } } fragment f on ShopConnection { ...f }"
IN_EACH_OTHER = IN_ITSELF.replace("{ ...f }", "{ ...g }") + " fragment g on ShopConnection { ...f }"
HOSTILE = {
    "deep": (nested(40), "TOO_COMPLEX"),
    "deeper than the parser goes": ("{a" * 900 + "}" * 900, "TOO_COMPLEX"),
    "deep value": ("{ products(sku: " + "[" * 900 + "]" * 900 + ") { totalCount } }", "TOO_COMPLEX"),
    "wide": ("{ " + "shops { totalCount } " * 300 + "}", "TOO_COMPLEX"),
    "many aliases": ("{ " + ALIASES + " }", "TOO_COMPLEX"),
    "expensive": (EXPENSIVE, "TOO_COMPLEX"),
    "fragment in itself": (IN_ITSELF, "BAD_INPUT"),
    "fragments in each other": (IN_EACH_OTHER, "BAD_INPUT"),
    "fragment bomb": (doubled_fragments(60), "TOO_COMPLEX"),
    "long": ("{ shops { totalCount } } #" + "x" * 100_000, "TOO_COMPLEX"),
    "many tokens": ("{ shops(" + "first: 1 " * 2000 + ") { totalCount } }", "TOO_COMPLEX"),
    "many directives": ("{ shops " + "@include(if: true) " * 1500 + "{ totalCount } }", "TOO_COMPLEX"),
    "deep introspection": (DEEP_INTROSPECTION, "BAD_INPUT"),
    "huge number": ("{ shops(first: " + "9" * 5000 + ") { totalCount } }", "BAD_INPUT"),
    "page of a million": ("{ shops(first: 1000000) { totalCount } }", "BAD_INPUT"),
    "no such field": ("{ passwords }", "BAD_INPUT"),
    "no GraphQL": ("SELECT * FROM auth_user", "BAD_INPUT"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_query_is_refused_at_once_with_a_code(shop, name):
    query, expected = HOSTILE[name]
    started = time.perf_counter()
    response = post(query, token=bearer(shop))
    assert time.perf_counter() - started < 2, "a bound for slow machines; it takes milliseconds"
    assert code(response.json()) == expected
    assert "Traceback" not in response.text
    assert len(response.content) < 10_000


def test_cost_is_judged_by_the_page_sizes_that_are_given(shop):
    query = """query ($n: Int) { a: products(first: $n) { ...p } b: products(first: $n) { ...p } }
      fragment p on ProductConnection { edges { node { images(first: 100) {
        edges { node { id url sha256 width height filename addedAt position } } } } } }"""
    token = bearer(shop)
    assert data(ask(query, {"n": 5}, token=token))
    for size in (100, None, 10**9, "5"):
        assert code(ask(query, {"n": size}, token=token)) in {"TOO_COMPLEX", "BAD_INPUT"}


@pytest.mark.parametrize(
    "body",
    [
        [{"query": "{ shops { totalCount } }"}] * 1000,
        [],
        {},
        {"query": None},
        {"query": ["{ shops { totalCount } }"]},
        {"query": "{ shops { totalCount } }", "variables": []},
        {"query": "{ shops { totalCount } }", "operationName": 5},
        {"query": "{ shops { totalCount } }", "operationName": "other"},
        {"query": "query a { shops { totalCount } } query b { shops { totalCount } }"},
        "text",
        None,
    ],
)
def test_body_of_another_form_is_refused(shop, body):
    headers = {"Authorization": f"Bearer {bearer(shop)}"}
    response = Client().post("/graphql/", json.dumps(body), content_type="application/json", headers=headers)
    assert response.status_code == 400
    assert code(response.json()) == "BAD_INPUT"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 50_000, b'{"query": "\\ud800"}'])
def test_bytes_that_are_no_request_are_refused(shop, body):
    headers = {"Authorization": f"Bearer {bearer(shop)}"}
    response = Client().post("/graphql/", body, content_type="application/json", headers=headers)
    assert response.status_code == 400
    assert code(response.json()) == "BAD_INPUT"


def test_body_of_more_than_a_megabyte_is_refused(shop):
    response = post("{ shops { totalCount } }", {"x": "y" * 1024 * 1024})
    assert response.status_code == 413
    assert code(response.json()) == "TOO_LARGE"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/graphql"])
def test_other_content_types_are_refused(shop, kind):
    response = Client().post("/graphql/", "query={shops{totalCount}}", content_type=kind)
    assert response.status_code == 400
    assert code(response.json()) == "BAD_INPUT"


def test_queries_are_not_taken_from_the_address(shop):
    assert Client().get("/graphql/?query={shops{totalCount}}").status_code == 302
    assert Client().put("/graphql/").status_code == 405


def test_subscription_over_http_says_where_it_is_served(shop):
    answer = ask("subscription { mlStatus { kind } }", token=bearer(shop))
    assert code(answer) == "BAD_INPUT"
    assert "/graphql/ws/" in answer["errors"][0]["message"]


def test_introspection_can_be_switched_off_and_then_hints_are_off_too(shop, settings):
    token = bearer(shop)
    assert data(ask(INTROSPECTION, token=token))["__schema"]["queryType"]["name"] == "Query"
    assert "Did you mean" in ask("{ shop { totalCount } }", token=token)["errors"][0]["message"]
    settings.GRAPHQL_INTROSPECTION = False
    assert code(ask(INTROSPECTION, token=token)) == "BAD_INPUT"
    assert "Did you mean" not in ask("{ shop { totalCount } }", token=token)["errors"][0]["message"]
    assert data(ask("{ shops { totalCount __typename } }", token=token))


def test_fault_of_ours_is_logged_and_its_text_is_not_told(shop, caplog):
    version = add_version(shop)
    ModelVersion.objects.update(files={"model_json": "a row that some mistake has damaged"})
    response = post("{ modelVersions { edges { node { number files { name } } } } }", token=bearer(shop))
    assert code(response.json()) == "INTERNAL"
    assert "KeyError" not in response.text
    assert "damaged" not in response.text
    assert "Traceback" not in response.text
    assert version.folder not in response.text
    assert "GraphQL field" in caplog.text


def test_checked_query_is_remembered_and_judged_the_same_again():
    for _ in range(2):
        with pytest.raises(GraphQLErrors) as refused:
            prepare(schema, GraphQLRequest("{ passwords }"))
        assert refused.value.as_json()[0]["extensions"]["code"] == "BAD_INPUT"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OperationalError("database is locked"), "The database is busy"),
        (OperationalError("database or disk is full"), "The disk of the server is full"),
    ],
)
def test_what_a_full_disk_or_a_busy_database_refuses_is_told_with_a_code(shop, caplog, error, words):
    secret = bearer(shop, "train")

    def refuse_writing(execute, sql, *context):
        if sql.startswith(("INSERT", "UPDATE")):
            raise error
        return execute(sql, *context)

    with connection.execute_wrapper(refuse_writing):
        response = post("mutation { extractPhotosForTraining { __typename } }", token=secret)
    assert (response.status_code, code(response.json())) == (503, "UNAVAILABLE")
    assert words in response.json()["errors"][0]["message"]
    assert str(error) in caplog.text, "the log says where it was"


def test_sentence_of_a_refusal_is_told_whatever_it_was_raised_from():
    refusal = ApiError("The file is not there.", CONFLICT)
    refusal.__cause__ = OperationalError("database is locked")
    told = public_error(located_error(refusal, path=["activateModelVersion"]))
    assert (told["message"], told["extensions"]) == ("The file is not there.", {"code": "CONFLICT"})
