"""GraphQL types of training: how a recogniser is, its runs, its versions and their files."""

import graphene

from api.fields import read_by
from api.nodes import Node
from catalog.permissions import VIEW_PRODUCTS
from catalog.scopes import READ
from ml_training.events import trigger_in_words
from ml_training.graphql.fields import enum_of, list_field
from ml_training.models import ModelVersion, TrainingRun
from ml_training.permissions import RECOGNIZE, TRAIN, VIEW_TRAINING
from ml_training.status.shop import LABELS

MAY_READ_TRAINING = (VIEW_TRAINING, READ, TRAIN)
MAY_RECOGNIZE = (VIEW_PRODUCTS, RECOGNIZE)

TrainingStatus = enum_of("TrainingStatus", LABELS, "What the recogniser is doing.")
TrainingRunStatus = enum_of(
    "TrainingRunStatus",
    [status for status in TrainingRun.Status.values if status != "superseded"],
    "How far a run is, or how it ended.",
)
TrainingRunKind = enum_of(
    "TrainingRunKind",
    TrainingRun.Kind.values,
    "QUICK: a head on a backbone that stays as it is. DEEP: the backbone too.",
)


class SetAsidePhoto(graphene.ObjectType):
    class Meta:
        description = f"A photo that a run could not use. {read_by(*MAY_READ_TRAINING)}"

    photo = graphene.ID(required=True, description="The photo's id in the database.")
    product = graphene.ID(required=True, description="The product's id in the database.")
    sku = graphene.String(required=True, description="The product's SKU.")
    filename = graphene.String(required=True, description="The file's name when it was added.")
    reason = graphene.String(required=True, description="Why, and what to do.")


MAX_SET_ASIDE = 50


def set_aside_field() -> graphene.List:
    return list_field(
        SetAsidePhoto,
        f"Photos that could not be used: the first {MAX_SET_ASIDE} of `setAsideCount`.",
        resolver=lambda run, info: run.set_aside[:MAX_SET_ASIDE],
    )


def set_aside_count_field() -> graphene.Int:
    return graphene.Int(
        required=True,
        description="How many photos could not be used.",
        resolver=lambda run, info: len(run.set_aside),
    )


class DeepTraining(graphene.ObjectType):
    class Meta:
        description = f"A deep training that waits or goes on beside. {read_by(*MAY_READ_TRAINING)}"

    run_id = graphene.ID(required=True, description="The run's databaseId.")
    status = graphene.Field(TrainingRunStatus, required=True, description="QUEUED or TRAINING.")
    progress = graphene.Float(required=True, description="Share done, 0 to 1.")
    phase = graphene.String(required=True, description="What it is doing, in words.")
    epoch = graphene.Int(description="The round through the photos that it is in, from 1; null before.")
    epochs = graphene.Int(description="How many rounds there will be.")
    accuracy = graphene.Float(description="Share of photos held out that is right so far, 0 to 1.")
    seconds_left = graphene.Float(description="How long it takes from here; null if not known.")
    started_at = graphene.DateTime(description="When a worker took it.")


class MLTrainingInfo(graphene.ObjectType):
    class Meta:
        description = f"How a shop's recogniser is. {read_by(*MAY_READ_TRAINING)}"

    shop_id = graphene.ID(required=True, description="The shop's databaseId.")
    sequence = graphene.Int(required=True, description="Grows with every change of state.")
    status = graphene.Field(TrainingStatus, required=True, description="What the recogniser is doing.")
    progress = graphene.Float(required=True, description="Share of the current run done, 0 to 1.")
    phase = graphene.String(required=True, description="What the current run is doing, in words.")
    seconds_left = graphene.Float(description="How long the current run takes from here; null if not known.")
    started_at = graphene.DateTime(description="When the current run started.")
    last_trained_at = graphene.DateTime(description="When the active version was trained.")
    error = graphene.String(required=True, description="Why the last run failed; empty if it did not.")
    message = graphene.String(required=True, description="What is missing or to be done; may be empty.")
    product_count = graphene.Int(required=True, description="Active products.", source="products")
    image_count = graphene.Int(required=True, description="Photos of active products.", source="photos")
    has_active_model = graphene.Boolean(required=True, description="Whether photos can be recognised.")
    version = graphene.Int(description="Number of the active version.")
    deep = graphene.Field(DeepTraining, description="The deep training that waits or goes on; else null.")
    last_deep = graphene.String(
        required=True, description="How the last deep training ended, in words; empty if there was none."
    )
    set_aside = set_aside_field()
    set_aside_count = set_aside_count_field()


class TrainingRunType(Node):
    class Meta:
        model = TrainingRun
        name = "TrainingRun"
        description = f"One training of a shop's recogniser. {read_by(*MAY_READ_TRAINING)}"
        readers = MAY_READ_TRAINING

    database_id = graphene.ID(required=True, description="The run's id in the database.")
    kind = graphene.Field(TrainingRunKind, required=True, description="What it trains.")
    status = graphene.Field(TrainingRunStatus, required=True, description="How far it is, or how it ended.")
    phase = graphene.String(required=True, description="What it is doing, in words.")
    progress = graphene.Float(required=True, description="Share done, 0 to 1.")
    trigger = graphene.String(required=True, description="What asked for it, in words.")
    products = graphene.Int(required=True, description="Products it learned.")
    photos = graphene.Int(required=True, description="Photos it learned from.")
    attempts = graphene.Int(required=True, description="Which try at this work it is.")
    message = graphene.String(required=True, description="What came of it; may be empty.")
    error = graphene.String(required=True, description="Why it failed; empty if it did not.")
    set_aside = set_aside_field()
    set_aside_count = set_aside_count_field()
    created_at = graphene.DateTime(required=True, description="When it was asked for.")
    started_at = graphene.DateTime(description="When a worker took it.")
    finished_at = graphene.DateTime(description="When it ended.")
    version = graphene.Int(description="Number of the version it made.")

    @classmethod
    def visible_to(cls, access):
        runs = TrainingRun.objects.filter(shop__in=access.shops()).exclude(status="superseded")
        return runs.select_related("version").defer(*ModelVersion.long_fields("version"))

    def resolve_status(self, info):
        return str(self.status)

    def resolve_kind(self, info):
        return str(self.kind)

    def resolve_phase(self, info):
        return self.get_phase_display()

    def resolve_trigger(self, info):
        return trigger_in_words(self)

    def resolve_version(self, info):
        return self.version.number if hasattr(self, "version") else None
