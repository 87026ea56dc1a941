"""GraphQL mutations of training: prepare its data, choose the version that serves, recognise a photo.

None starts training: photos do.
"""

import graphene

from api.callers import Context
from api.errors import BAD_INPUT, CONFLICT, NOT_FOUND, TOO_LARGE, ApiError
from api.fields import called_by, shop_id_argument
from api.uploads import Upload
from catalog.models import Shop, photo_limits
from catalog.photo_files import PhotoRefused, check_size
from ml_training.backbones.loader import BackboneMissing
from ml_training.graphql.fields import list_field, payload_field, shop_for
from ml_training.graphql.model_types import MLModelInfo, MLModelStatus
from ml_training.graphql.provenance import MAY_READ_MODELS
from ml_training.graphql.recognition import Explained, RecognitionAnswer, RecognitionCandidate
from ml_training.graphql.types import MAY_READ_TRAINING, MAY_RECOGNIZE, MLTrainingInfo, TrainingRunType
from ml_training.models import ModelVersion
from ml_training.permissions import CHOOSE_VERSION, PREPARE_TRAINING, TRAIN
from ml_training.recognition.recognize import MAX_PHOTOS, recognize
from ml_training.runs.queue import prepare_training_data
from ml_training.status.shop import training_info
from ml_training.versions import activate
from ml_training.versions.files import ModelFileDamaged
from ml_training.versions.load import NO_MODEL

MAY_PREPARE = (PREPARE_TRAINING, TRAIN)
MAY_CHOOSE = (CHOOSE_VERSION, TRAIN)
MAX_CANDIDATES = 20


class ExtractPhotosForTraining(graphene.Mutation):
    class Meta:
        description = (
            "Prepare training data: every photo of the shop is checked and looked at again, and what is "
            f"found is reported. It is the only thing there is to do by hand. {called_by(*MAY_PREPARE)}"
        )

    class Arguments:
        shop_id = shop_id_argument()

    run = payload_field(TrainingRunType, MAY_READ_TRAINING, "The run that does it.")
    ml_training_info = payload_field(MLTrainingInfo, MAY_READ_TRAINING, "How things are now.")

    def mutate(self, info, shop_id=None):
        shop = shop_for(info, shop_id, *MAY_PREPARE)
        return ExtractPhotosForTraining(run=prepare_training_data(shop), ml_training_info=training_info(shop))


def choose(version: ModelVersion) -> bool:
    """Activate a version; raises ApiError (CONFLICT) when it cannot serve."""
    try:
        return activate.activate_version(version)
    except (ModelFileDamaged, BackboneMissing) as error:
        raise ApiError(str(error), CONFLICT) from error


def version_of(shop: Shop, number: int) -> ModelVersion:
    """The version with a number. Raises ApiError (NOT_FOUND)."""
    versions = ModelVersion.objects.filter(shop=shop, number=min(max(number, 0), 2**31 - 1))
    version = versions.select_related("run", "shop").defer(*ModelVersion.long_fields()).first()
    if version is None:
        raise ApiError(f"{shop.name} has no version {number}.", NOT_FOUND)
    return version


class ActivateModelVersion(graphene.Mutation):
    class Meta:
        description = (
            "Let a version serve, such as an earlier one, from the next photo on. What the next training "
            "makes takes over, unless it is worse. Its files are checked first; if one is damaged, or they "
            f"were removed because the version is old, nothing changes (CONFLICT). "
            f"{called_by(*MAY_CHOOSE)}"
        )

    class Arguments:
        shop_id = shop_id_argument()
        version = graphene.Int(required=True, description="The version's number.")

    changed = graphene.Boolean(required=True, description="Whether another one, or none, served until now.")
    ml_model_info = payload_field(MLModelInfo, MAY_READ_MODELS, "What serves now.")

    def mutate(self, info, version, shop_id=None):
        shop = shop_for(info, shop_id, *MAY_CHOOSE)
        changed = choose(version_of(shop, version))
        return ActivateModelVersion(changed=changed, ml_model_info=training_info(shop))


class SetMlModelStatus(graphene.Mutation):
    class Meta:
        description = (
            "ACTIVE: let a version serve; the given one, else the one that serves, else the newest that was "
            "not held back. IDLE: let none serve, as clearMlModel does. What the next training makes takes "
            f"over either way, unless it is worse than the one that serves. {called_by(*MAY_CHOOSE)}"
        )

    class Arguments:
        shop_id = shop_id_argument()
        status = MLModelStatus(required=True, description="What it shall be.")
        version = graphene.Int(description="The version's number; only with ACTIVE.")

    changed = graphene.Boolean(required=True, description="Whether it was otherwise until now.")
    ml_model_info = payload_field(MLModelInfo, MAY_READ_MODELS, "What serves now.")

    def mutate(self, info, status, shop_id=None, version=None):
        shop = shop_for(info, shop_id, *MAY_CHOOSE)
        if status.value == "idle":
            if version is not None:
                raise ApiError("With IDLE no version serves: leave version out.", BAD_INPUT)
            changed = activate.deactivate(shop)
        else:
            changed = _activate(shop, version)
        return SetMlModelStatus(changed=changed, ml_model_info=training_info(shop))


def _activate(shop: Shop, number: int | None) -> bool:
    if number is not None:
        return choose(version_of(shop, number))
    if training_info(shop).has_active_model:
        return False
    newest = activate.newest_version(shop)
    if newest is None:
        text = f"{shop.name} has no version yet. Add photos of at least two products; it trains by itself."
        raise ApiError(text, CONFLICT)
    return choose(newest)


class ClearMlModel(graphene.Mutation):
    class Meta:
        description = (
            "Let no version serve: photos are not recognised until one is activated or the next training "
            f"completes. All versions stay. {called_by(*MAY_CHOOSE)}"
        )

    class Arguments:
        shop_id = shop_id_argument()

    changed = graphene.Boolean(required=True, description="Whether one served until now.")
    ml_model_info = payload_field(MLModelInfo, MAY_READ_MODELS, "What serves now: nothing.")

    def mutate(self, info, shop_id=None):
        shop = shop_for(info, shop_id, *MAY_CHOOSE)
        return ClearMlModel(changed=activate.deactivate(shop), ml_model_info=training_info(shop))


class RecognizeProduct(graphene.Mutation):
    class Meta:
        description = (
            "Say which product a photo shows, or several photos of one product. Photos are not kept. "
            f"CONFLICT: the shop has no model that can answer. {called_by(*MAY_RECOGNIZE)}"
        )

    class Arguments:
        shop_id = shop_id_argument()
        image = Upload(
            description="The photo's file: JPEG, PNG, WebP, AVIF or HEIC. Send either `image` or `images`."
        )
        images = graphene.List(
            graphene.NonNull(Upload),
            description=f"1 to {MAX_PHOTOS} photos of one product, of different sides of it, which are taken "
            "together: one answer, more often right than that of a single photo.",
        )
        limit = graphene.Int(
            description=f"How many candidates, 1 to {MAX_CANDIDATES}. Left out, they are a list as short as "
            "holds the right product for 95 of 100 photos of the shop's products."
        )

    version = graphene.Int(required=True, description="Number of the version that answered.")
    answer = graphene.Field(
        RecognitionAnswer,
        required=True,
        description="NAMED: the first candidate, without asking. CHOOSE: let a person choose from the "
        "candidates. UNKNOWN: hardly any photo of the shop's products looks like this one.",
    )
    confidence = graphene.Float(
        required=True, description="The chance that the first candidate is right, 0 to 1."
    )
    recognised = graphene.Boolean(
        required=True,
        description="Whether `answer` is NAMED.",
        deprecation_reason="Use `answer`. It goes with the next release.",
    )
    candidates = list_field(RecognitionCandidate, "Products, the likeliest first.")

    def mutate(self, info, image=None, images=None, limit=None, shop_id=None):
        shop = shop_for(info, shop_id, *MAY_RECOGNIZE)
        if limit is not None and not 1 <= limit <= MAX_CANDIDATES:
            raise ApiError(f"limit is 1 to {MAX_CANDIDATES}.", BAD_INPUT)
        photos = _photos(info.context, image, images)
        try:
            answer = recognize(shop, *photos, limit=limit)
        except PhotoRefused as error:
            raise ApiError(str(error), BAD_INPUT) from error
        except NO_MODEL as error:
            raise ApiError(str(error), CONFLICT) from error
        candidates = Explained(answer).candidates()
        return RecognizeProduct(
            version=answer.version,
            answer=answer.answer.value,
            confidence=answer.confidence,
            recognised=answer.recognized,
            candidates=candidates,
        )


def _photos(context: Context, image, images) -> list[bytes]:
    """The bytes of the photos that were sent one way or the other; none is read if one is too large."""
    if (image is None) == (images is None):
        raise ApiError("Send either image or images.", BAD_INPUT)
    files = [image] if images is None else images
    if not 1 <= len(files) <= MAX_PHOTOS:
        raise ApiError(f"images takes 1 to {MAX_PHOTOS} photos of one product.", BAD_INPUT)
    context.count("photos to recognize", len(files), MAX_PHOTOS)
    try:
        for size in (*(file.size for file in files), sum(file.size for file in files)):
            check_size(size, photo_limits())
    except PhotoRefused as error:
        raise ApiError(str(error), TOO_LARGE) from error
    return [_read(file) for file in files]


def _read(file) -> bytes:
    file.seek(0)  # the same file may stand in several places of a request
    return file.read()


class Mutation(graphene.ObjectType):
    extract_photos_for_training = ExtractPhotosForTraining.Field()
    set_ml_model_status = SetMlModelStatus.Field()
    clear_ml_model = ClearMlModel.Field()
    activate_model_version = ActivateModelVersion.Field()
    recognize_product = RecognizeProduct.Field()
