"""GraphQL queries of training."""

from dataclasses import dataclass
from datetime import datetime

import graphene
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone

from api.fields import PagedField, read_by, shop_id_argument
from catalog.graphql.queries import MAY_READ_PHOTOS, ProductType
from catalog.models import Product, ProductImage, Shop
from ml_training.graphql.fields import shop_field, shop_for
from ml_training.graphql.model_types import MLModelInfo, ModelVersionType
from ml_training.graphql.provenance import MAY_READ_MODELS
from ml_training.graphql.types import MAY_READ_TRAINING, MLTrainingInfo, TrainingRunType
from ml_training.models import ShopTraining
from ml_training.status.shop import training_info


@dataclass(frozen=True)
class ManifestOfShop:
    """What a shop's manifest is resolved from."""

    shop: Shop
    version: int
    extracted_at: datetime


class MLTrainingManifest(graphene.ObjectType):
    class Meta:
        description = f"What the recogniser learns from, as it is now. {read_by(*MAY_READ_PHOTOS)}"

    version = graphene.Int(
        required=True, description="Counts every change of the photos: the same number, the same photos."
    )
    extracted_at = graphene.DateTime(required=True, description="When this was read.")
    product_count = graphene.Int(required=True, description="Products that have photos.")
    image_count = graphene.Int(required=True, description="Their photos.")
    stream_url = graphene.String(
        required=True, description="Where the whole of it is served as lines of JSON, on this server."
    )
    products = PagedField(
        ProductType,
        description="Products that have photos, in the order of the model's classes. Their images have the "
        "address, the file's name and its hash.",
    )

    def resolve_product_count(self, info):
        return with_photos(self.shop).count()

    def resolve_image_count(self, info):
        return ProductImage.objects.filter(product__shop=self.shop).count()

    def resolve_stream_url(self, info):
        return reverse("manifest", args=[self.shop.slug])

    def resolve_products(self, info, **page):
        return with_photos(self.shop).order_by("pk")


def with_photos(shop: Shop) -> QuerySet[Product]:
    photos = ProductImage.objects.filter(product=OuterRef("pk"))
    return Product.objects.filter(Exists(photos), shop=shop)


class Query(graphene.ObjectType):
    ml_training_info = shop_field(
        MLTrainingInfo, f"How a shop's recogniser is. {read_by(*MAY_READ_TRAINING)}"
    )
    ml_model_info = shop_field(
        MLModelInfo, f"The model that serves a shop, and its files. {read_by(*MAY_READ_MODELS)}"
    )
    ml_training_manifest = shop_field(
        MLTrainingManifest, f"What the recogniser learns from. {read_by(*MAY_READ_PHOTOS)}"
    )
    training_runs = PagedField(
        TrainingRunType,
        shop_id=shop_id_argument(),
        description="The runs of a shop, newest first; runs that had nothing to do are left out. "
        + read_by(*MAY_READ_TRAINING),
    )
    model_versions = PagedField(
        ModelVersionType,
        shop_id=shop_id_argument(),
        description=f"The versions of a shop's model, newest first. {read_by(*MAY_READ_MODELS)}",
    )

    def resolve_ml_training_info(self, info, shop_id=None):
        return training_info(shop_for(info, shop_id, *MAY_READ_TRAINING))

    def resolve_ml_model_info(self, info, shop_id=None):
        return training_info(shop_for(info, shop_id, *MAY_READ_MODELS))

    def resolve_ml_training_manifest(self, info, shop_id=None):
        shop = shop_for(info, shop_id, *MAY_READ_PHOTOS)
        state = ShopTraining.objects.filter(shop=shop).first()
        return ManifestOfShop(shop, state.wanted if state else 0, timezone.now())

    def resolve_training_runs(self, info, shop_id=None, **page):
        shop = shop_for(info, shop_id, *MAY_READ_TRAINING)
        return TrainingRunType.visible_to(info.context.access).filter(shop=shop)

    def resolve_model_versions(self, info, shop_id=None, **page):
        shop = shop_for(info, shop_id, *MAY_READ_MODELS)
        return ModelVersionType.visible_to(info.context.access).filter(shop=shop)
