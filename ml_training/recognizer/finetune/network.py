"""The network that is tuned: a packaged backbone whose upper blocks learn, and a softmax head to learn by.

It computes what `encoder.Encoder` computes, faster: batch normalisation has fixed statistics here, so it is
folded into the convolutions' weights, and their gradients go through the fold.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import conv2d, hardtanh, normalize, pad

from ml_training.recognizer.backbone import PackagedBackbone, load_encoder

if TYPE_CHECKING:
    from ml_training.recognizer.encoder import Encoder

VECTOR_SCALE = 32.0  # unit vectors are too short for a softmax head to learn from
ROOT_FLOOR = 1e-3  # below it the root's slope grows no more


class Tunable(nn.Module):
    """(N, 3, H, W) pixels of 0 to 255, channels last, to (N, C) logits."""

    def __init__(self, packaged: PackagedBackbone, classes: int, first_block: int):
        super().__init__()
        self.encoder: Encoder = load_encoder(packaged)
        self.encoder.network.to(memory_format=torch.channels_last)
        self.first_block = first_block
        self.classifier = nn.Linear(packaged.vector_size, classes)
        self.requires_grad_(False)
        for module in self.learning():
            module.requires_grad_(True)
        for block in self.encoder.network._blocks:
            if block._depthwise_conv.kernel_size[0] > 3:
                # A thousandth of the numbers, whose gradient takes longer on a CPU than all others together.
                block._depthwise_conv.requires_grad_(False)
                block._bn1.requires_grad_(False)

    def start_from(self, weights: torch.Tensor, bias: torch.Tensor) -> None:
        """Begin with a closed-form head, (C, D) and (C,), that is right already as far as it can be.

        Source: Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
        Out-of-Distribution": a network that begins with a random head first forgets what it knew.
        """
        with torch.no_grad():
            self.classifier.weight.copy_(weights / VECTOR_SCALE)
            self.classifier.bias.copy_(bias)

    def learning(self) -> list[nn.Module]:
        network = self.encoder.network
        return [*network._blocks[self.first_block :], network._conv_head, network._bn1, self.classifier]

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.classifier(VECTOR_SCALE * normalize(self.vectors(pixels)))

    def vectors(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) uint8 to (N, D) float32: what `Encoder` makes of one view, before the last scaling."""
        network, depths = self.encoder.network, []
        with torch.no_grad():
            x = self.encoder.normalise(pixels.float())
            x = relu6(convolve(network._conv_stem, network._bn0, x))
        for number, block in enumerate(network._blocks):
            with torch.set_grad_enabled(torch.is_grad_enabled() and number >= self.first_block):
                x = apply_block(block, x)
            if number in self.encoder.depths:
                depths.append(normalize(x.float().mean(dim=(2, 3))))
        x = relu6(convolve(network._conv_head, network._bn1, x))
        last = normalize(bounded_root(x.float().mean(dim=(2, 3))))
        return torch.cat([last, *depths], dim=1)


def bounded_root(x: torch.Tensor) -> torch.Tensor:
    """The square root, with a slope that stays bounded: where nothing was seen, learning has no direction."""
    gentle = (x + ROOT_FLOOR).sqrt()
    return gentle + ((x + 1e-12).sqrt() - gentle).detach()


def apply_block(block: Any, x: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 (its package has no types)
    """(N, c, H, W) to (N, d, h, w): one inverted bottleneck."""
    y = x
    if block._block_args.expand_ratio != 1:
        y = relu6(convolve(block._expand_conv, block._bn0, y))
    y = relu6(convolve(block._depthwise_conv, block._bn1, y))
    y = convolve(block._project_conv, block._bn2, y)
    return y + x if block.id_skip and y.shape == x.shape else y


def relu6(x: torch.Tensor) -> torch.Tensor:
    return hardtanh(x, 0.0, 6.0, inplace=True)


def convolve(conv: nn.Conv2d, norm: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    """Convolution and batch normalisation with fixed statistics, in one."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("The normalisation keeps no statistics.")
    scale = norm.weight * (variance + norm.eps).rsqrt()
    weight, bias = conv.weight * scale[:, None, None, None], norm.bias - mean * scale
    left, right, top, bottom = getattr(conv.static_padding, "padding", (0, 0, 0, 0))
    if left != right or top != bottom:
        x, left, top = pad(x, (left, right, top, bottom)), 0, 0
    if conv.groups > 1 and conv.stride[0] > 1 and x.device.type == "cpu":
        # Half precision is thirty times slower than single here.
        with torch.autocast("cpu", enabled=False):
            return conv2d(x.float(), weight, bias, conv.stride, (top, left), 1, conv.groups).to(x.dtype)
    return conv2d(x, weight, bias, conv.stride, (top, left), 1, conv.groups)
