"""schema.graphql is the schema, and every field says what it is and for whom."""

import pytest
from django.conf import settings
from django.core.management import call_command
from graphql import GraphQLInputObjectType, GraphQLObjectType

from config.schema import schema

ROOT = settings.BASE_DIR
TYPES = [
    kind
    for kind in schema.graphql_schema.type_map.values()
    if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType) and not kind.name.startswith("__")
]


def test_schema_file_is_the_schema(tmp_path):
    """Mend it with: python manage.py graphql_schema --schema config.schema.schema --out schema.graphql"""
    printed = tmp_path / "schema.graphql"
    call_command("graphql_schema", schema="config.schema.schema", out=str(printed))
    assert (ROOT / "schema.graphql").read_text() == printed.read_text()


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_everything_is_described(kind):
    bare = [name for name, field in kind.fields.items() if not field.description]
    for name, field in kind.fields.items():
        bare += [
            f"{name}.{arg}" for arg, value in getattr(field, "args", {}).items() if not value.description
        ]
    assert not bare


@pytest.mark.parametrize("kind", [kind for kind in TYPES if isinstance(kind, GraphQLObjectType)], ids=str)
def test_every_field_says_who_may_read_it(kind):
    silent = [
        name
        for name, field in kind.fields.items()
        if not any(words in field.description for words in ("Read by: ", "Called by: ", "token"))
    ]
    assert not silent


def test_nothing_starts_a_training():
    assert not [name for name in schema.graphql_schema.mutation_type.fields if "start" in name.lower()]
