"""What types, queries and mutations of training are made with."""

from collections.abc import Iterable

import graphene
from graphene.utils.str_converters import to_snake_case

from api.fields import shop_id_argument
from catalog.models import Shop


def enum_of(name: str, values: Iterable[str], description: str) -> graphene.Enum:
    """An enum of values that the code has; each is called the same in capitals."""
    return graphene.Enum(name, [(value.upper(), value) for value in values], description=description)


def list_field(kind, description: str, **options) -> graphene.List:
    """A list that is always there, and so is each of its items."""
    return graphene.List(graphene.NonNull(kind), required=True, description=description, **options)


def shop_field(kind, description: str) -> graphene.Field:
    """A field of a query that is about one shop."""
    return graphene.Field(kind, required=True, shop_id=shop_id_argument(), description=description)


def payload_field(kind, readers: tuple[str, ...], description: str) -> graphene.Field:
    """A field of what a mutation answers, for whoever may read such things; `readers` as `Access.require`."""

    def resolve(payload, info):
        info.context.access.require(*readers)
        return getattr(payload, to_snake_case(info.field_name))

    return graphene.Field(kind, required=True, description=description, resolver=resolve)


def shop_for(info, shop_id, *needed: str) -> Shop:
    """The shop that a request is about, for whoever has what `Access.require` is given.

    Raises:
        ApiError: something is missing, or there is no such shop for this caller.
    """
    info.context.access.require(*needed)
    return info.context.access.shop(shop_id)
