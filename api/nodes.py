"""The base of all types that have a global id."""

from django.db.models import QuerySet
from graphene import relay
from graphene_django import DjangoObjectType

from api.callers import AccessReader
from api.fields import CountedConnection


class Node(DjangoObjectType):
    """A row, and how whoever may read it finds it again by its global id.

    `readers` of its Meta is what `access.require` is given: a permission, and scopes.
    """

    class Meta:
        abstract = True

    readers: tuple[str, ...]

    @classmethod
    def __init_subclass_with_meta__(cls, readers=(), connection_class=CountedConnection, **options):
        cls.readers = readers
        super().__init_subclass_with_meta__(
            fields=[], interfaces=[relay.Node], connection_class=connection_class, **options
        )

    @classmethod
    def visible_to(cls, access: AccessReader) -> QuerySet:
        """The rows of the shops that a caller may see, with what the fields read of them."""
        raise NotImplementedError

    @classmethod
    def get_node(cls, info, id):
        info.context.access.require(*cls.readers)
        return cls.visible_to(info.context.access).filter(pk=id).first()

    def resolve_database_id(self, info):
        return self.pk
