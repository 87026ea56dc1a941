"""Who is not known is refused before anything is validated, and unused fragments count for who is."""

import pytest

from api import execution, limits
from tests.factories import bearer
from tests.support.api import ask, code, post

INTROSPECTION = "{ __schema { queryType { name } } }"
STRANGERS = {"nobody": "", "unknown token": "shs_" + "x" * 43, "unknown run": "shr_" + "x" * 43}


@pytest.mark.parametrize("stranger", STRANGERS)
@pytest.mark.parametrize(
    "query",
    [
        INTROSPECTION,
        "{ __typename }",
        "{ nonsense }",
        "mutation { clearMlModel { changed } }",
        "mutation { ...a } fragment a on Mutation { updateTrainingStatus(kind: STARTED) { runId } }",
        "mutation { updateTrainingStatus(kind: STARTED) { runId } } query b { __typename }",
        "fragment a on Query { __typename }",
    ],
)
def test_stranger_is_refused_before_anything_is_validated(monkeypatch, stranger, query, shop):
    monkeypatch.setattr(execution, "validate", None)
    response = post(query, token=STRANGERS[stranger])
    assert (response.status_code, code(response.json())) == (401, "UNAUTHENTICATED")


def test_token_of_a_run_is_judged_by_its_own_mutations(shop):
    answer = ask("mutation { updateTrainingStatus(kind: STARTED) { runId } }", token=STRANGERS["unknown run"])
    assert code(answer) == "TOKEN_UNKNOWN"
    assert code(ask("mutation {", token=STRANGERS["unknown run"])) == "BAD_INPUT"


def test_fragments_that_nothing_uses_count(shop):
    aliases = " ".join(f"a{number}: id" for number in range(limits.MAX_ALIASES + 1))
    fields = " ".join(f"fragment f{n} on ShopType {{ {'id ' * 60} }}" for n in range(9))
    token = bearer(shop, "read")
    for unused, words in (
        (f"fragment unused on ShopType {{ {aliases} }}", "aliases"),
        (fields, "fields"),
        ("fragment a on ShopType { ...a }", "contains itself"),
    ):
        assert words in ask("{ __typename } " + unused, token=token)["errors"][0]["message"]
