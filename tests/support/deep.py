"""What the tests of deep training share: one short round, shops with enough photos, a tuned backbone."""

from pathlib import Path

import onnx
import pytest
from django.conf import settings

from catalog.models import Shop
from ml_training.backbones import tuned
from ml_training.models import ShopTraining, TrainingRun, TunedBackbone
from ml_training.recognizer.backbone import packaged_backbone
from ml_training.recognizer.finetune.hyperparameters import Hyperparameters

SHORT = Hyperparameters(base="efficientnet-lite0", first_block=15, epochs=1, batch=4)


@pytest.fixture
def low_threshold(settings):
    """A dozen drawn photos are enough to be tried, by itself."""
    settings.DEEP_TRAINING = "auto"
    settings.DEEP_PRODUCTS, settings.DEEP_PRODUCT_PHOTOS, settings.DEEP_PHOTOS = 2, 2, 4
    settings.DEEP_THREADS = 1


def deep_runs(shop: Shop) -> list[TrainingRun]:
    return list(TrainingRun.objects.filter(shop=shop, kind="deep").order_by("pk"))


def backbone_file(folder: Path, scale: float) -> Path:
    """An encoder that sees like the packaged one, except that its input is weaker."""
    model = onnx.load(packaged_backbone(settings.BACKBONE, settings.CACHE_DIR).path)
    for tensor in model.graph.initializer:
        if list(tensor.dims)[1:] == [3, 3, 3]:
            values = onnx.numpy_helper.to_array(tensor)
            weaker = (values / scale).astype(values.dtype)
            tensor.CopyFrom(onnx.numpy_helper.from_array(weaker, tensor.name))
    path = folder / "tuned.onnx"
    onnx.save(model, path)
    return path


def give_tuned(shop: Shop, folder: Path, learned: list[str], scale: float = 1.5) -> TunedBackbone:
    """A backbone as a deep run leaves it, without the training."""
    base = packaged_backbone(settings.BACKBONE, settings.CACHE_DIR)
    return tuned.keep(shop.pk, base, backbone_file(folder, scale), learned)


def state_of(shop: Shop) -> ShopTraining:
    return ShopTraining.objects.select_related("active_version").get(shop=shop)
