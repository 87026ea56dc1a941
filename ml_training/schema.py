"""GraphQL types and queries of training. Called by `config.schema`; what they say comes from `status`."""

import graphene

from catalog.schema import find_shop, require_permission
from ml_training.status import LABELS, training_info

TrainingStatus = graphene.Enum(
    "TrainingStatus", [(name.upper(), name) for name in LABELS], description="What the recogniser is doing."
)


class SetAsidePhoto(graphene.ObjectType):
    """A photo that the last run could not use."""

    photo = graphene.ID(required=True, description="The photo's id in the database.")
    product = graphene.ID(required=True, description="The product's id in the database.")
    sku = graphene.String(required=True, description="The product's SKU.")
    filename = graphene.String(required=True, description="The file's name when it was added.")
    reason = graphene.String(required=True, description="Why, and what to do.")


class MLTrainingInfo(graphene.ObjectType):
    """How a shop's recogniser is. Staff of the shop may read it."""

    status = graphene.Field(TrainingStatus, required=True, description="What the recogniser is doing.")
    progress = graphene.Float(required=True, description="Share of the current run done, 0 to 1.")
    phase = graphene.String(required=True, description="What the current run is doing, in words.")
    started_at = graphene.DateTime(description="When the current run started.")
    last_trained_at = graphene.DateTime(description="When the active version was trained.")
    error = graphene.String(required=True, description="Why the last run failed; empty if it did not.")
    message = graphene.String(required=True, description="What is missing or to be done; may be empty.")
    product_count = graphene.Int(required=True, description="Active products.")
    image_count = graphene.Int(required=True, description="Photos of active products.")
    has_active_model = graphene.Boolean(required=True, description="Whether photos can be recognised.")
    version = graphene.Int(description="Number of the active version.")
    set_aside = graphene.List(
        graphene.NonNull(SetAsidePhoto), required=True, description="Photos the last run could not use."
    )

    def resolve_product_count(self, info):
        return self.products

    def resolve_image_count(self, info):
        return self.photos


class Query(graphene.ObjectType):
    ml_training_info = graphene.Field(
        MLTrainingInfo,
        required=True,
        shop_id=graphene.ID(description="The shop; may be left out by whoever sees one."),
        description="How a shop's recogniser is. Staff of the shop may read it.",
    )

    def resolve_ml_training_info(self, info, shop_id=None):
        shop = find_shop(info, shop_id)
        require_permission(info, "ml_training.view_trainingrun")
        return training_info(shop)
