"""The network that is tuned computes what the encoder computes, and learns where it should."""

import pytest
import torch
from torch.nn.functional import normalize

from ml_training.recognizer.backbone import PACKAGED
from ml_training.recognizer.finetune.network import Tunable

BASE = PACKAGED["efficientnet-lite0"]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Tunable(BASE, 3, first_block=11)


def some_pixels(count: int) -> torch.Tensor:
    side = BASE.preprocessing.side
    shape = (count, len(BASE.preprocessing.views), side, side, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.manual_seed(1))


def test_folded_network_computes_what_the_encoder_computes(network):
    pixels = some_pixels(2)
    with torch.inference_mode():
        expected = network.encoder(pixels)
        views = network.vectors(pixels.flatten(0, 1).permute(0, 3, 1, 2))
    sizes = [1280, 192, 320]
    parts = [
        normalize(part.unflatten(0, (2, -1)).sum(dim=1)) for part in views.split(sizes, dim=1)
    ]  # as the encoder joins the views of a photo
    torch.testing.assert_close(normalize(torch.cat(parts, dim=1)), expected, atol=1e-4, rtol=0)


def test_only_the_upper_blocks_and_the_classifier_learn(network):
    learning = {name for name, value in network.named_parameters() if value.requires_grad}
    assert any(name.startswith("classifier") for name in learning)
    assert any("_blocks.11." in name for name in learning)
    assert not any("_blocks.10." in name or "_conv_stem" in name for name in learning)


def test_statistics_of_the_photos_learned_from_change_nothing_else(network):
    before = {name: value.clone() for name, value in network.named_buffers()}
    network(some_pixels(1)[0].permute(0, 3, 1, 2)).sum().backward()
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())
