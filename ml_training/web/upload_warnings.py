"""Warns whoever adds photos to a product that look like another one. It only warns: the photos are saved."""

import logging
import time

import numpy as np
from django.contrib import messages

from catalog.models import Product, ProductImage, photo_limits
from catalog.photo_files import open_upright
from ml_training.advice.suspects import HARDLY, SURE
from ml_training.backbones.loader import backbone_is_ready, open_embedder_of
from ml_training.dataset.embeddings import stored_vectors
from ml_training.recognition.recognize import Recognition, rank
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.preprocess import to_pixels
from ml_training.versions.load import LoadedModel, NoActiveModel, active_model

logger = logging.getLogger(__name__)
MAX_PHOTOS = 8  # looked at of one upload
SECONDS = 1.5  # after which no further photo is begun


def warn_of_mislabelled_uploads(request, product: Product, photos: list[ProductImage], **kwargs) -> None:
    """Look at new photos, and say which look like another product.

    Effects:      messages of the request. A model that cannot be asked is logged, and nothing is said.
    """
    try:
        for text in describe_faults(product, photos[:MAX_PHOTOS]):
            messages.warning(request, text)
    except NoActiveModel:
        return
    except Exception:  # whatever is wrong with a model or a photo, saving has gone well
        logger.exception("New photos of product %s were not looked at.", product.pk)


def describe_faults(product: Product, photos: list[ProductImage]) -> list[str]:
    """A sentence for each photo that the version that serves takes for another product.

    Raises:
        NoActiveModel: there is no version to ask; other errors if it, or a photo's file, is damaged.
    """
    model = active_model(product.shop)
    if not backbone_is_ready(model.backbone):
        return []  # to make it takes long; the worker does that
    embedder = open_embedder_of(model.backbone)
    looked_at = _look(embedder, photos)
    if not looked_at:
        return []
    answers = rank(product.shop, model, np.stack([*looked_at.values()]), len(model.product_pks))
    pairs = zip(looked_at, answers, strict=True)
    return [text for pair in pairs if (text := _sentence(product, model, *pair))]


def _look(embedder: Embedder, photos: list[ProductImage]) -> dict[ProductImage, np.ndarray]:
    """The vectors of as many photos as there is time for."""
    backbone, until = embedder.backbone, time.monotonic() + SECONDS
    known, found = stored_vectors(backbone.id, [photo.sha256 for photo in photos]), {}
    for photo in photos:
        if photo.sha256 in known:
            found[photo] = known[photo.sha256]
        elif time.monotonic() < until:
            with photo.image.storage.open(photo.image.name, "rb") as file:
                data = file.read()
            side, most = backbone.preprocessing.decode_side, photo_limits().max_pixels
            pixels = to_pixels(open_upright(data, side, most), backbone.preprocessing)
            found[photo] = embedder.embed(pixels[None])[0]
    return found


def _sentence(product: Product, model: LoadedModel, photo: ProductImage, answer: Recognition) -> str:
    """Empty where nothing is wrong. Of a product that the model does not know, only a sure answer counts."""
    if not answer.candidates:
        return ""
    best = answer.candidates[0]
    own = sum(found.probability for found in answer.candidates if found.product_id == product.pk)
    knows = bool((model.product_pks == product.pk).any()) and product.is_active
    is_sure = best.probability >= SURE and own <= HARDLY
    if best.product_id == product.pk or not is_sure or not (knows or answer.recognized):
        return ""
    like = min(99, round(100 * best.probability))  # nothing is certain
    return (
        f"{photo.filename} is {like} % like {best.name}: did you mean that one? "
        "A photo of the label would tell them apart."
    )
