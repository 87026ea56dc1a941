"""The torch side of a packaged backbone: from a photo's views to one vector.

Source: several depths of one network, Hariharan et al. 2015 ("hypercolumns"), pooled here; square root and L2
normalisation of the last layer, Arandjelović & Zisserman 2012 ("RootSIFT").
"""

from typing import Any

import torch
from torch.nn.functional import normalize

from ml_training.recognizer.preprocess import Preprocessing


class Encoder(torch.nn.Module):
    """(N, V, H, W, 3) uint8 to (N, D) float32, L2-normalised.

    The last layer says what kind of thing is seen; the linear outputs of earlier blocks, which keep their
    sign, add print and texture. Each depth is normalised, summed over the views and normalised again.
    """

    network: Any  # an EfficientNet, whose package has no types

    def __init__(self, network: torch.nn.Module, preprocessing: Preprocessing, depths: tuple[int, ...]):
        super().__init__()
        self.network, self.preprocessing, self.depths = network, preprocessing, depths

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._joined([part.sum(dim=1) for part in self._by_view(pixels)])

    def _by_view(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Each depth: (N, V, d), L2-normalised."""
        x = pixels.flatten(0, 1).permute(0, 3, 1, 2).float()  # (N V, 3, H, W)
        views = len(self.preprocessing.views)
        return [part.unflatten(0, (-1, views)) for part in self._depths(self.normalise(x))]

    def _joined(self, parts: list[torch.Tensor]) -> torch.Tensor:
        return normalize(torch.cat([normalize(part, dim=-1) for part in parts], dim=-1), dim=-1)

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        """Pixels of 0 to 255 as the network learned them; packaged networks treat all channels alike."""
        mean, scale = self.preprocessing.mean, self.preprocessing.scale
        if not isinstance(mean, float) or not isinstance(scale, float):
            raise TypeError("A packaged network has one mean and one scale for all channels.")
        return (x - mean) / scale

    def _depths(self, x: torch.Tensor) -> list[torch.Tensor]:
        """The last layer's vector, then one for each depth: each (N V, d), L2-normalised."""
        network, pooled = self.network, []
        x = network._swish(network._bn0(network._conv_stem(x)))
        for number, block in enumerate(network._blocks):
            x = block(x)
            if number in self.depths:
                pooled.append(normalize(x.mean(dim=(2, 3))))
        x = network._swish(network._bn1(network._conv_head(x)))  # (N V, 1280, h, w), not negative
        # The small constant keeps the slope of the root finite where nothing was seen.
        return [normalize((x.mean(dim=(2, 3)) + 1e-12).sqrt()), *pooled]


class WithLooks(torch.nn.Module):
    """The same, with what each look saw beside it: (N, D) `vectors` and (N, V, D) `looks`, L2-normalised."""

    def __init__(self, encoder: Encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        encoder = self.encoder
        parts = encoder._by_view(pixels)
        return encoder._joined([part.sum(dim=1) for part in parts]), encoder._joined(parts)
