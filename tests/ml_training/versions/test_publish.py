"""A version is published only if its files for devices answer as the shop's pages do."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ml_training.models import ModelVersion
from ml_training.recognizer import export
from ml_training.versions import files as version_files
from ml_training.versions.load import loaded_model
from tests.factories import add_photo
from tests.support.training import active_version, last_run, model_files, trained, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


@pytest.mark.parametrize("factor", [1.02, np.nan])
def test_broken_head_file_fails_the_run_and_the_active_version_stays(shop, monkeypatch, tmp_path, factor):
    version, before = trained(shop, products=3, photos=2), model_files(tmp_path)
    build = export.build_head_file

    def build_broken(head) -> bytes:
        model = onnx.load_from_string(build(head))
        weights = model.graph.initializer[0]
        other = (numpy_helper.to_array(weights) * np.float16(factor)).astype(np.float16)
        weights.CopyFrom(numpy_helper.from_array(other, weights.name))
        return model.SerializeToString()

    monkeypatch.setattr(export, "build_head_file", build_broken)
    add_photo(shop.products.first(), 0, seed=9)
    work()
    run = last_run(shop)
    assert run.status == "failed"
    assert active_version(shop) == version
    assert ModelVersion.objects.count() == 1
    assert model_files(tmp_path) == before


def test_stored_weights_are_what_the_files_for_devices_hold(shop):
    version = trained(shop, products=3, photos=2)
    head = loaded_model(version).head
    model = onnx.load_from_string(version_files.read(version, "head_onnx"))
    halves = [
        numpy_helper.to_array(one)
        for one in model.graph.initializer
        if one.data_type == onnx.TensorProto.FLOAT16
    ]
    np.testing.assert_array_equal(halves[0], head.weights)
    np.testing.assert_array_equal(halves[1], head.open_set.means)
