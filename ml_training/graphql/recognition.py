"""GraphQL types of an answer: candidates, and the catalogue photo each rests on."""

from dataclasses import asdict, dataclass
from functools import cached_property

import graphene

from api.fields import read_by
from catalog.graphql.queries import MAY_READ_PHOTOS, ProductImageType, ProductUnit
from catalog.models import ProductImage
from ml_training.graphql.fields import enum_of
from ml_training.graphql.types import MAY_RECOGNIZE
from ml_training.recognition.explain import nearest_photos
from ml_training.recognition.recognize import Answer, Candidate, Recognition

RecognitionAnswer = enum_of("RecognitionAnswer", Answer, "What a photo is answered with.")


class RecognitionCandidate(graphene.ObjectType):
    class Meta:
        description = f"A product that a photo may show. {read_by(*MAY_RECOGNIZE)}"

    product_id = graphene.ID(required=True, description="The product's databaseId.")
    sku = graphene.String(required=True, description="The product's SKU.")
    name = graphene.String(required=True, description="The product's name.")
    probability = graphene.Float(required=True, description="How sure the model is, 0 to 1.")
    price = graphene.Decimal(description="The product's price; null if it has none.")
    unit = graphene.Field(ProductUnit, required=True, description="What the price is for.")
    barcode = graphene.String(required=True, description="The product's barcode; empty if it has none.")
    nearest_photo = graphene.Field(
        ProductImageType,
        description="The product's photo that is nearest to the one asked about; null if there is none. "
        + read_by(*MAY_READ_PHOTOS),
    )

    def resolve_nearest_photo(self, info):
        info.context.access.require(*MAY_READ_PHOTOS)
        return self.explained.photos.get(self.product_id)


@dataclass
class Explained:
    """An answer's candidates and, once somebody asks, their nearest photos: read for all at once."""

    answer: Recognition

    def candidates(self) -> list["ExplainedCandidate"]:
        return [ExplainedCandidate(**asdict(one), explained=self) for one in self.answer.candidates]

    @cached_property
    def photos(self) -> dict[int, ProductImage]:
        pks = [candidate.product_id for candidate in self.answer.candidates]
        nearest = nearest_photos(self.answer.backbone, self.answer.vector, pks)
        return {pk: photo for pk, (photo, _) in nearest.items()}


@dataclass(frozen=True, kw_only=True)
class ExplainedCandidate(Candidate):
    """What a `RecognitionCandidate` is resolved from."""

    explained: Explained
