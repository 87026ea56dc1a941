"""GraphQL types of models: the one that serves, versions and their files."""

import graphene

from api.fields import read_by
from api.nodes import Node
from api.pages import page_of
from ml_training.graphql.fields import enum_of, list_field
from ml_training.graphql.provenance import MAY_READ_MODELS, learned_photos_field
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognizer.export import FILES
from ml_training.status.shop import describe_files
from ml_training.versions.diff import changes_in_words
from ml_training.versions.metrics import accuracy_of, accuracy_range_of, among_three_of, coverage_of

MLModelStatus = enum_of(
    "MLModelStatus", ["active", "idle"], "ACTIVE: a version answers what a photo shows. IDLE: none does."
)
MLModelFileKind = enum_of("MLModelFileKind", FILES, "What a model's file holds.")
FILES_OF_IT = "Its files. Versions of earlier releases have no head.onnx."


class MLModelFile(graphene.ObjectType):
    class Meta:
        description = f"A file of a model. {read_by(*MAY_READ_MODELS)}"

    kind = graphene.Field(MLModelFileKind, required=True, description="What it holds.")
    name = graphene.String(required=True, description="Its name, such as model.json.")
    present = graphene.Boolean(required=True, description="Whether it is in the storage.")
    url = graphene.String(description="Where it is served, on this server. What is there never changes.")
    sha256 = graphene.String(description="SHA-256 of its bytes, in hexadecimal.")
    size = graphene.Int(description="Bytes.", source="bytes")

    def resolve_url(self, info):
        return self.url or None


class MLModelInfo(graphene.ObjectType):
    class Meta:
        description = f"The model that serves a shop. {read_by(*MAY_READ_MODELS)}"

    has_model = graphene.Boolean(
        required=True, description="Whether a version serves.", source="has_active_model"
    )
    version = graphene.Int(description="Number of the version that serves.")
    status = graphene.Field(MLModelStatus, required=True, description="Whether a version serves.")
    trained_at = graphene.DateTime(description="When that version was trained.", source="last_trained_at")
    files = list_field(MLModelFile, FILES_OF_IT)

    def resolve_status(self, info):
        return "active" if self.has_active_model else "idle"


class ModelVersionType(Node):
    class Meta:
        model = ModelVersion
        name = "ModelVersion"
        description = f"A model of a shop; its files never change. {read_by(*MAY_READ_MODELS)}"
        readers = MAY_READ_MODELS

    database_id = graphene.ID(required=True, description="The version's id in the database.")
    number = graphene.Int(required=True, description="Counts the shop's versions from 1.")
    is_active = graphene.Boolean(required=True, description="Whether it is the one that serves.")
    backbone = graphene.String(required=True, description="Id of the image encoder it was made for.")
    products = graphene.Int(required=True, description="Products it knows.")
    photos = graphene.Int(required=True, description="Photos it learned from.")
    metrics = graphene.JSONString(required=True, description="Figures of how good it is, as JSON.")
    accuracy = graphene.Float(
        description="How often the first answer is right on photos taken elsewhere, 0 to 1; an estimate. "
        "Null if too few photos could be tried.",
        resolver=lambda version, info: accuracy_of(version),
    )
    among_three = graphene.Float(
        description="How often the right product is among the first three answers, 0 to 1; an estimate like "
        "`accuracy`.",
        resolver=lambda version, info: among_three_of(version),
    )
    accuracy_range = graphene.List(
        graphene.NonNull(graphene.Float),
        description="The lowest and highest that `accuracy` may well be.",
        resolver=lambda version, info: accuracy_range_of(version),
    )
    coverage = graphene.Float(
        description="Share of photos of known products that get a name without asking, 0 to 1, by what the "
        "shop has chosen. Null if it is not known.",
        resolver=lambda version, info: coverage_of(version, ShopTraining.of(version.shop)),
    )
    held_back = graphene.String(
        required=True, description="Why it was kept and did not take over; empty if it did."
    )
    changes = graphene.String(
        required=True,
        description="What it learned that the version before did not, in words.",
        resolver=lambda version, info: changes_in_words(version),
    )
    has_files = graphene.Boolean(
        required=True,
        description="Whether its files are kept, so that it can be activated. Those of old versions go.",
    )
    learned_photos = learned_photos_field()
    created_at = graphene.DateTime(required=True, description="When it was made.")
    files = list_field(MLModelFile, FILES_OF_IT, resolver=lambda version, info: describe_files(version))

    @classmethod
    def visible_to(cls, access):
        versions = ModelVersion.objects.filter(shop__in=access.shops())
        return versions.select_related("shop__training").defer(*ModelVersion.long_fields())

    def resolve_is_active(self, info):
        return self.pk in page_of(self).find("active", active_among)


def active_among(versions: list[ModelVersion]) -> set[int]:
    """Which of some versions serve, by id."""
    states = ShopTraining.objects.filter(active_version__in=versions)
    return set(states.values_list("active_version", flat=True))
