"""GraphQL: what a version learned, and which versions learned a photo.

The catalogue's photos get a field here.
"""

import graphene
from django.urls import reverse
from graphene import relay

from api.fields import PagedField, add_field, read_by
from api.nodes import Node
from api.pages import page_of
from catalog.graphql.queries import MAY_READ_PHOTOS, ProductImageType, most_needed
from catalog.models import ProductImage
from catalog.scopes import READ
from ml_training.models import LearnedPhoto, ModelVersion
from ml_training.permissions import TRAIN, VIEW_VERSIONS
from ml_training.versions.provenance import Span, first_learned, spans_of, with_whereabouts

MAY_READ_MODELS = (VIEW_VERSIONS, READ, TRAIN)


class LearnedPhotoType(Node):
    class Meta:
        model = LearnedPhoto
        name = "LearnedPhoto"
        description = (
            "A photo as some versions in a row learned it. It is known also when the photo is gone. "
            + read_by(*MAY_READ_PHOTOS)
        )
        readers = MAY_READ_PHOTOS
        connection_class = relay.Connection

    photo_id = graphene.ID(required=True, description="The photo's id in the database, then or now.")
    product_id = graphene.ID(required=True, description="The product's id in the database, then or now.")
    product_name = graphene.String(required=True, description="What the product was called then.")
    filename = graphene.String(required=True, description="The file's name when it was added.")
    sha256 = graphene.String(required=True, description="SHA-256 of the file's bytes, in hexadecimal.")
    is_gone = graphene.Boolean(
        required=True, description="Whether the photo was deleted, or replaced by another, since."
    )
    now_on_product_id = graphene.ID(
        description="The product that the photo is on now; null if it is gone.", source="now_on"
    )
    url = graphene.String(description="Where the original is served, on this server; null if it is gone.")
    since_version = graphene.Int(
        required=True, description="Number of the first version that learned it so.", source="since"
    )
    until_version = graphene.Int(
        description="Number of the last one; null if the newest version learned it so too.", source="until"
    )

    @classmethod
    def visible_to(cls, access):
        return with_whereabouts(LearnedPhoto.objects.filter(shop__in=access.shops()))

    def resolve_is_gone(self, info):
        return self.now_on is None

    def resolve_url(self, info):
        return self.now_on and reverse("photo", args=[self.photo_id, self.sha256])


def learned_photos_field() -> PagedField:
    return PagedField(
        LearnedPhotoType,
        description="The photos that it learned, by product, those that are gone since among them. "
        f"{read_by(*MAY_READ_PHOTOS)}",
        resolver=_learned_photos,
    )


def _learned_photos(version: ModelVersion, info, **page) -> list[LearnedPhoto]:
    """In one query for the whole list of versions that this one is in."""
    info.context.access.require(*MAY_READ_PHOTOS)
    most = most_needed(page)
    learned = page_of(version).find(("learned", most), lambda versions: first_learned(versions, most))
    return learned[version.pk]


class VersionSpan(graphene.ObjectType):
    class Meta:
        description = f"Some versions in a row. {read_by(*MAY_READ_MODELS)}"

    first = graphene.Int(required=True, description="Number of the first of them.")
    last = graphene.Int(required=True, description="Number of the last of them.")


def _learned_by(photo: ProductImage, info) -> list[Span]:
    """In two queries for all photos of the answer."""
    info.context.access.require(*MAY_READ_MODELS)
    return page_of(photo).find("learned_by", spans_of)[photo.pk]


add_field(
    ProductImageType,
    "learned_by",
    graphene.Field(
        graphene.List(graphene.NonNull(VersionSpan)),
        required=True,
        description="The versions that learned this photo, also under another product or as another file. "
        f"{read_by(*MAY_READ_MODELS)}",
        resolver=_learned_by,
    ),
)
