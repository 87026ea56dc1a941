"""GraphQL query `mlAdvice`: what to do next."""

import graphene
from django.urls import reverse

from api.fields import read_by
from catalog.graphql.queries import MAY_READ_PHOTOS, MAY_READ_PRODUCTS
from catalog.permissions import VIEW_PHOTOS, VIEW_PRODUCTS
from catalog.scopes import READ
from ml_training.advice.shop import MAX_NEXT, MAX_PAIRS, MAX_SUSPECTS, MAX_WANTING, SCANS, shop_advice
from ml_training.advice.suspects import KINDS
from ml_training.graphql.fields import enum_of, list_field, shop_field
from ml_training.graphql.types import MAY_READ_TRAINING
from ml_training.permissions import TRAIN, VIEW_TRAINING
from ml_training.recognizer.learning_curve import MORE

WHO = read_by(f"{VIEW_TRAINING}, {VIEW_PRODUCTS} and {VIEW_PHOTOS}", READ, TRAIN)

SuspectKind = enum_of(
    "SuspectKind",
    KINDS,
    "MODEL: the serving version takes a new photo for another product. STRANGER: it looks more "
    "like another product than like its own. SAME_FILE: nearly the same picture is on another product. COPY: "
    "nearly the same picture is on its own product. SMALL, DARK, BLURRED: it can teach little.",
)


class AdvicePhoto(graphene.ObjectType):
    class Meta:
        description = f"A photo that an advice is about. {WHO}"

    database_id = graphene.ID(required=True, description="The photo's id in the database.", source="pk")
    filename = graphene.String(required=True, description="The file's name when it was added.")
    url = graphene.String(required=True, description="Where the original is served, on this server.")
    thumbnail_url = graphene.String(required=True, description="Where a small JPEG of it is served.")

    def resolve_url(self, info):
        return reverse("photo", args=[self.pk, self.sha256])

    def resolve_thumbnail_url(self, info):
        return reverse("photo-thumbnail", args=[self.pk, self.sha256])


class AdviceProduct(graphene.ObjectType):
    class Meta:
        description = f"A product that an advice is about. {WHO}"

    database_id = graphene.ID(required=True, description="The product's id in the database.", source="pk")
    sku = graphene.String(required=True, description="The shop's own number for it.")
    name = graphene.String(required=True, description="What people call it.")
    image_count = graphene.Int(required=True, description="How many photos it has.", source="photos")


def product_field(description: str, required: bool = True) -> graphene.Field:
    return graphene.Field(AdviceProduct, required=required, description=description)


def loss_field(description: str) -> graphene.Decimal:
    return graphene.Decimal(
        description=description,
        resolver=lambda item, info: None if item.loss is None else round(item.loss, 2),
    )


class ProspectType(graphene.ObjectType):
    class Meta:
        name = "NextProduct"
        description = f"A product worth photographing. {WHO}"

    product = product_field("The product.")
    expected_gain = graphene.Float(
        required=True,
        description=f"Share of its photos, 0 to 1, that {MORE} more photos would make right.",
    )


class MixUpType(graphene.ObjectType):
    class Meta:
        name = "MixUp"
        description = f"Two products that are taken for each other. {WHO}"

    first = product_field("The one that is mistaken more often.")
    second = product_field("The other.")
    first_for_second = graphene.Float(
        required=True,
        description="Share of photos of the first that are taken for the second, 0 to 1.",
        resolver=lambda pair, info: pair.shares[0],
    )
    second_for_first = graphene.Float(
        required=True,
        description="The same the other way round, 0 to 1.",
        resolver=lambda pair, info: pair.shares[1],
    )
    expected_loss_per_thousand_scans = loss_field(
        "In the shop's currency; 0 at the same price, null where one of the prices is missing."
    )
    first_photos = list_field(
        AdvicePhoto,
        "Photos of the first that were taken for the second; at most three.",
        resolver=lambda pair, info: pair.misclassified[0],
    )
    second_photos = list_field(
        AdvicePhoto,
        "Photos of the second that were taken for the first.",
        resolver=lambda pair, info: pair.misclassified[1],
    )


class SuspectPhoto(graphene.ObjectType):
    class Meta:
        description = f"A photo that looks wrong. {WHO}"

    photo = graphene.Field(AdvicePhoto, required=True, description="The photo.")
    product = product_field("The product it is on.")
    kind = graphene.Field(SuspectKind, required=True, description="What is wrong.")
    reason = graphene.String(required=True, description="The same in words.")
    other_photo = graphene.Field(
        AdvicePhoto, description="A photo to compare it with, if there is one.", source="other"
    )
    other_product = product_field("The product of that photo.", required=False)


class MLAdvice(graphene.ObjectType):
    class Meta:
        description = f"What to do so that products are recognised better. {WHO}"

    version = graphene.Int(description="Number of the version that this was found out from.")
    wanting_photos = list_field(
        AdviceProduct,
        f"Products with no or too few photos, the fewest first; at most {MAX_WANTING}.",
        source="wanting",
    )
    wanting_photos_count = graphene.Int(
        required=True, description="How many there are.", source="wanting_count"
    )
    next_products = list_field(
        ProspectType, f"The {MAX_NEXT} products most worth photographing, the best first.", source="next"
    )
    mix_ups = list_field(
        MixUpType,
        f"The pairs that matter most, at most {MAX_PAIRS}: by loss; then without price; then harmless.",
    )
    suspects = list_field(SuspectPhoto, f"Photos that look wrong, the gravest first; at most {MAX_SUSPECTS}.")
    suspects_count = graphene.Int(required=True, description="How many there are.", source="suspect_count")
    expected_loss_per_thousand_scans = loss_field(
        f"What mix-ups of products with prices cost in {SCANS} scans, if all are scanned "
        "equally often; in the shop's currency. Null if nothing is known."
    )
    products_without_price = graphene.Int(
        required=True, description="Active products that have no price.", source="unpriced"
    )


class Query(graphene.ObjectType):
    ml_advice = shop_field(MLAdvice, f"What to do so that products are recognised better. {WHO}")

    def resolve_ml_advice(self, info, shop_id=None):
        access = info.context.access
        for needed in (MAY_READ_TRAINING, MAY_READ_PRODUCTS, MAY_READ_PHOTOS):
            access.require(*needed)
        return shop_advice(access.shop(shop_id))
