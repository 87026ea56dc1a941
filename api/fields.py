"""What every schema uses: ids, the shop's id, pages of a list, and who may read what."""

import graphene
from graphene import relay
from graphene.types.definitions import GrapheneObjectType
from graphene_django import DjangoConnectionField
from graphene_django.settings import graphene_settings
from graphql_relay import get_offset_with_default, offset_to_cursor

from api.errors import ApiError
from api.pages import Page, PagedRow

READ_BY = "Read by: "
CALLED_BY = "Called by: "
MAX_ID_LENGTH = 18  # digits; the ids of all databases have fewer


def read_id(value: str | int, otherwise: str) -> int:
    """The number that an id is.

    Raises:
        ApiError: (BAD_INPUT) it is none; the text is `otherwise`.
    """
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_ID_LENGTH):
        raise ApiError(otherwise)
    return int(text)


def shop_id_argument() -> graphene.Argument:
    return graphene.ID(description="The shop's databaseId; may be left out by whoever sees one shop.")


def who(permission: str | None, *scopes: str) -> str:
    """Says for whom something is, from what `Access.require` is given."""
    people = f"staff of the shop with {permission}" if permission else ""
    tokens = f"tokens with {' or '.join(scopes)}" if scopes else ""
    return "; ".join(part for part in (people, tokens) if part) + "."


def read_by(permission: str | None, *scopes: str) -> str:
    return READ_BY + who(permission, *scopes)


def called_by(permission: str | None, *scopes: str) -> str:
    return CALLED_BY + who(permission, *scopes)


class CountedConnection(relay.Connection):
    """A page of a list, and how long the list is."""

    class Meta:
        abstract = True

    total_count = graphene.Int(required=True, description="How many there are on all pages together.")

    def resolve_total_count(self, info):
        return self.length


class PagedField(DjangoConnectionField):
    """A connection of at most 100 items a page. Rows that have no page yet (`PagedRow`) get this one."""

    def __init__(self, *args, **kwargs):
        most = graphene_settings.RELAY_CONNECTION_MAX_LIMIT
        kwargs["first"] = graphene.Int(description=f"How many from the start, at most {most}.")
        kwargs["last"] = graphene.Int(description=f"How many from the end, at most {most}.")
        kwargs["after"] = graphene.String(description="Only those after this cursor.")
        kwargs["before"] = graphene.String(description="Only those before this cursor.")
        kwargs["offset"] = graphene.Int(description="Skip so many; not together with before.")
        super().__init__(*args, **kwargs)

    @classmethod
    def connection_resolver(cls, *wiring, **args):
        check_page(args)
        return super().connection_resolver(*wiring, **args)

    @classmethod
    def resolve_connection(cls, connection, args, iterable, max_limit=None):
        after, before = (get_offset_with_default(args.get(name), -1) for name in ("after", "before"))
        if args.get("before") is not None and before <= after:  # nothing is between them
            args["before"] = offset_to_cursor(after + 1)
        answer = super().resolve_connection(connection, args, iterable, max_limit)
        page = Page([edge.node for edge in answer.edges])
        for row in page.rows:
            if isinstance(row, PagedRow) and row.api_page is None:
                row.api_page = page
        return answer


def check_page(args: dict) -> None:
    """Raises ApiError (BAD_INPUT) for a page that is not given."""
    most = graphene_settings.RELAY_CONNECTION_MAX_LIMIT
    for name, limit in (("first", most), ("last", most), ("offset", None)):
        value = args.get(name)
        if value is not None and (value < 0 or (limit is not None and value > limit)):
            raise ApiError(f"{name} must be 0 or more" + (f", and at most {limit}." if limit else "."))
    for name in ("after", "before"):
        if args.get(name) is not None and get_offset_with_default(args[name], -1) < 0:
            raise ApiError(f"{name} is no cursor of this list.")
    if args.get("offset") is not None and args.get("before") is not None:
        raise ApiError("offset and before do not go together.")


def add_field(kind: type[graphene.ObjectType], name: str, field: graphene.Field) -> None:
    """Give a type of this app a field of another app, which knows this one and is not known here.

    Args:
        field: with its own resolver. To be called before the schema is made.
    """
    kind._meta.fields[name] = field


def state_readers(schema: graphene.Schema) -> graphene.Schema:
    """Let every field's description say who may read it: where it says nothing itself, its type's readers."""
    for kind in schema.graphql_schema.type_map.values():
        if not isinstance(kind, GrapheneObjectType):
            continue
        readers = _readers_of(kind)
        for field in kind.fields.values():
            text = field.description or ""
            if readers and READ_BY not in text and CALLED_BY not in text:
                field.description = f"{text} {readers}".strip()
    return schema


def _readers_of(kind: GrapheneObjectType) -> str:
    if kind.name == "PageInfo":
        return READ_BY + "whoever may read the list."
    meta = kind.graphene_type._meta
    node = getattr(meta, "node", None) or getattr(getattr(kind.graphene_type, "node", None), "_type", None)
    text = kind.description or ""
    if node is not None and READ_BY not in text:
        text = getattr(node, "_meta", meta).description or ""
    if CALLED_BY in text:
        return READ_BY + text[text.index(CALLED_BY) + len(CALLED_BY) :]
    return text[text.index(READ_BY) :] if READ_BY in text else ""
