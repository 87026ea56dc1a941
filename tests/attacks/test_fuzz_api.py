"""GraphQL documents made from the schema, and forms of several parts that are nearly right."""

import json
import random

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    is_leaf_type,
)

from config.schema import schema
from tests.factories import add_version, fill
from tests.support.running.victim import ROUNDS, SEED, refused_code

STRINGS = [
    "",
    "1",
    "-1",
    "x",
    "\0",
    "\ud83d\ude00",
    "a" * 5000,
    "../../etc/passwd",
    "YXJyYXljb25uZWN0aW9uOi0x",
    "%s",
]
NUMBERS = [0, 1, -1, 2**31 - 1, -(2**31), 2**31, 2**63, 10**30, 1e308]


class Documents:
    """Random documents, deep and wide enough to meet every type before long."""

    def __init__(self, chance: random.Random):
        self.chance, self.schema = chance, schema.graphql_schema

    def make(self) -> str:
        chance = self.chance
        kind, root = chance.choice(
            [("query", self.schema.query_type), ("mutation", self.schema.mutation_type)]
        )
        fields = [self._field(root, 1) for _ in range(chance.randrange(1, 4))]
        extra = chance.choice(
            ["", "", "", " fragment a on Query { ...a }", " query b { __typename }", "}", " #"]
        )
        return f"{kind} {{ {' '.join(filter(None, fields))} }}{extra}"

    def _field(self, parent, level: int) -> str:
        chance = self.chance
        name, field = chance.choice([*parent.fields.items()])
        arguments = [
            f"{key}: {self._value(argument.type)}"
            for key, argument in field.args.items()
            if isinstance(argument.type, GraphQLNonNull) or chance.random() < 0.4
        ]
        text = name + (f"({', '.join(arguments)})" if arguments else "")
        kind = _bare(field.type)
        if is_leaf_type(kind):
            return text
        if level > 9:
            return f"{text} {{ __typename }}"
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return ""
        inner = [self._field(kind, level + 1) for _ in range(chance.randrange(1, 4))]
        return f"{text} {{ __typename {' '.join(filter(None, inner))} }}"

    def _value(self, kind) -> str:
        chance, bare = self.chance, _bare(kind)
        if chance.random() < 0.05:
            return chance.choice(["null", "$nobody", "{}", "[]", "true", "[[1]]", '"""block"""'])
        if isinstance(kind, GraphQLList) or (
            isinstance(kind, GraphQLNonNull) and isinstance(kind.of_type, GraphQLList)
        ):
            return f"[{', '.join(self._value(bare) for _ in range(chance.randrange(3)))}]"
        if isinstance(bare, GraphQLEnumType):
            return chance.choice([*bare.values, "NONE_OF_THEM"])
        if isinstance(bare, GraphQLInputObjectType):
            pairs = [f"{name}: {self._value(field.type)}" for name, field in bare.fields.items()]
            return "{" + ", ".join(pairs) + "}"
        if bare.name in {"Int", "Float", "Decimal"}:
            return json.dumps(chance.choice(NUMBERS))
        if bare.name == "Boolean":
            return chance.choice(["true", "false"])
        return json.dumps(chance.choice([*STRINGS, *map(str, NUMBERS)]))


def _bare(kind):
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind


def test_documents_of_the_schema_are_answered_or_refused(victim):
    chance = random.Random(SEED)
    fill(victim.shop, 5, 2)
    add_version(victim.shop)
    documents, codes = Documents(chance), set()
    for _ in range(150 * ROUNDS):
        query = documents.make()
        response = victim.ask(query)
        assert response.status_code < 500, (query, response.text)
        codes |= {error["extensions"]["code"] for error in response.json().get("errors", [])}
        assert "INTERNAL" not in codes, query
    assert len(codes) > 3, "nothing was reached"
    victim.answers()


PATHS = ["/graphql/", "/admin/login/", "/admin/catalog/product/add/", "/till/corrections/"]


OPERATIONS = [
    b"",
    b"{",
    b'{"query": "{ __typename }"}',
    b'{"query": "{ a }", "variables": {"i": null}}',
    b"1e999",
]
MAPS = [b"{}", b'{"0": ["variables.i"]}', b'{"0": []}', b'{"0": [1]}', b'{"0": ["a.b.c"]}', b"\xff"]
FILE_NAMES = [b"a.jpg", b"", b"../a", b"\0", b"a" * 9000]
FIELD_NAMES = [b"", b"key", b"\xff\xfe", b'a"b', b"csrfmiddlewaretoken"]
CONTENT_TYPES = [b"image/jpeg", b"", b"x/y; charset=none", b"multipart/mixed; boundary=y"]
MORE_HEADERS = [b"", b"\r\nContent-Transfer-Encoding: base64", b"\r\nContent-Length: -5"]


def odd_form(chance: random.Random) -> tuple[bytes, str]:
    """A body of several parts and its content type, with something wrong in places."""
    boundary = chance.choice(["x", "x" * 70, "a b", "\\", "--", "'x'"])
    named = b"Content-Disposition: form-data; name="
    file = b'"0"; filename="%s"\r\nContent-Type: %s%s\r\n\r\n%s' % (
        chance.choice(FILE_NAMES),
        chance.choice(CONTENT_TYPES),
        chance.choice(MORE_HEADERS),
        chance.randbytes(chance.randrange(2000)),
    )
    parts = [
        named + b'"operations"\r\n\r\n' + chance.choice(OPERATIONS),
        named + b'"map"\r\n\r\n' + chance.choice(MAPS),
        named + file,
        named + b'"' + chance.choice(FIELD_NAMES) + b'"\r\n\r\nx',
        chance.randbytes(100),
        b"",
    ]
    chance.shuffle(parts)
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts[: chance.randrange(1, 7)])
    body += chance.choice([mark + b"--\r\n", mark, b"", mark + b"\r\n" * 100])
    ends = [f"; boundary={boundary}", "", "; boundary=", f'; boundary="{boundary}']
    return body, "multipart/form-data" + chance.choice(ends)


@pytest.mark.parametrize("caller", ["token", "session", "nobody"])
def test_odd_forms_are_refused(victim, caller):
    chance = random.Random(SEED)
    headers = {"token": {"Authorization": f"Bearer {victim.token}"}, "session": {"Cookie": victim.cookie}}
    for _ in range(50 * ROUNDS):
        body, content_type = odd_form(chance)
        sent = headers.get(caller, {}) | {"Content-Type": content_type}
        path = chance.choice(PATHS)
        response = victim.http("POST", path, content=body, headers=sent)
        assert response.status_code < 500, (path, body)
        assert refused_code(response) != "INTERNAL", (path, body)
    victim.answers()
