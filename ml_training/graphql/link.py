"""The GraphQL mutation that links model files as a version."""

import hashlib
import re

import graphene
from django.core.exceptions import SuspiciousFileOperation

from api.errors import BAD_INPUT, NOT_FOUND, ApiError
from api.fields import called_by, shop_id_argument
from api.uploads import Upload
from catalog.models import Shop
from ml_training.graphql.fields import shop_for
from ml_training.graphql.model_types import MLModelInfo, ModelVersionType
from ml_training.permissions import ADD_VERSION, TRAIN
from ml_training.remote.link import ModelAsset, link_model
from ml_training.remote.verify import ModelRefused
from ml_training.status.shop import training_info
from ml_training.storage import storage

MAY_LINK = (ADD_VERSION, TRAIN)


class MLModelAssetInput(graphene.InputObjectType):
    """A file of a model: either where it is in the model storage, or the file itself."""

    path = graphene.String(
        description="In the model storage, below the shop's folder, such as 1/trained-elsewhere/model.json."
    )
    upload = Upload(description="The file, sent along.")
    sha256 = graphene.String(description="Its SHA-256 in hexadecimal; refused if it has another.")


class MLModelAssetsInput(graphene.InputObjectType):
    """The files of a model, as docs/model-files.md describes them. The ONNX files are made from them."""

    model_json = MLModelAssetInput(required=True, description="`model.json`, which lists the others' hashes.")
    weights = MLModelAssetInput(required=True, description="`weights.safetensors`.")
    metadata = MLModelAssetInput(required=True, description="`metadata.json`, with the labels.")


class LinkMlModelAssets(graphene.Mutation):
    class Meta:
        description = (
            "Make a version of model files that were trained elsewhere for this shop. They are verified: "
            "hashes, format, backbone, shapes, and labels against the products that have photos now; then "
            "the ONNX files are made from them and compared on photos. What does not hold is refused and "
            f"leaves nothing behind. {called_by(*MAY_LINK)}"
        )

    class Arguments:
        shop_id = shop_id_argument()
        assets = MLModelAssetsInput(required=True, description="The files.")
        activate = graphene.Boolean(default_value=True, description="Whether the version serves at once.")

    model_version = graphene.Field(ModelVersionType, required=True, description="The version made of them.")
    ml_model_info = graphene.Field(MLModelInfo, required=True, description="What serves now.")

    def mutate(self, info, assets, activate=True, shop_id=None):
        shop = shop_for(info, shop_id, *MAY_LINK)
        files = {kind: find_asset(shop, kind, asset) for kind, asset in assets.items()}
        try:
            version = link_model(shop, files, bool(activate))
        except ModelRefused as refused:
            raise ApiError(f"The model is not used: {refused}", BAD_INPUT) from refused
        return LinkMlModelAssets(model_version=version, ml_model_info=training_info(shop))


def find_asset(shop: Shop, kind: str, asset) -> ModelAsset:
    """Find a file without reading it.

    Raises:
        ApiError: (BAD_INPUT) it is not named rightly; (NOT_FOUND) it is not there.
    """
    path, upload = asset.get("path"), asset.get("upload")
    if (path is None) == (upload is None):
        raise ApiError(f"{kind}: give either path or upload.", BAD_INPUT)
    if upload is not None:
        return ModelAsset(upload.size, lambda: _checked(kind, upload.read(), asset.get("sha256")))
    if not re.fullmatch(rf"{shop.pk}(/[A-Za-z0-9_-][A-Za-z0-9._-]*){{1,5}}", path) or len(path) > 200:
        raise ApiError(f"{kind}: path is below the shop's own folder {shop.pk}/.", BAD_INPUT)
    models = storage()

    missing = ApiError(f"{kind}: there is no file {path} in the model storage.", NOT_FOUND)

    def read() -> bytes:
        try:
            with models.open(path, "rb") as file:
                content = file.read()
        except OSError as error:  # a folder, or gone meanwhile
            raise missing from error
        return _checked(kind, content, asset.get("sha256"))

    try:
        return ModelAsset(models.size(path), read)
    except (OSError, SuspiciousFileOperation) as error:
        raise missing from error


def _checked(kind: str, content: bytes, sha256: str | None) -> bytes:
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256.lower():
        raise ApiError(f"{kind}: the file has another SHA-256 than the one given.", BAD_INPUT)
    return content


class Mutation(graphene.ObjectType):
    link_ml_model_assets = LinkMlModelAssets.Field()
