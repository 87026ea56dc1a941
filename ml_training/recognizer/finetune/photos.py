"""Training photos on disk as small JPEGs, and the random crops that are taken of them.

What a crop shows depends on the seed, the epoch and the photo alone, never on threads or on where a run
began: a run that was interrupted sees what it would have seen.
"""

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ml_training.recognizer.files import atomic_file

JPEG_QUALITY = 92
MIN_AREA = 0.25  # of a random crop, as a share of the photo
MAX_STRETCH = 4 / 3  # width of a random crop to its height, or height to width
JITTER = 0.3  # brightness, contrast and saturation are multiplied by 0.7 to 1.3
AHEAD = 3  # batches that are prepared while one is learned from


def small_copy(image: Image.Image, side: int) -> Image.Image:
    """A photo no larger than its random crops need: shorter side 1.25 times the network's."""
    share = 1.25 * side / min(image.size)
    if share >= 1:
        return image
    size = (round(image.width * share), round(image.height * share))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)


def keep_small_copy(image: Image.Image, side: int, path: Path) -> None:
    """Write a small copy, whole or not at all."""
    with atomic_file(path) as part:
        small_copy(image, side).save(part, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def random_crop(path: Path, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random crop of a photo, mirrored half of the time: (side, side, 3) uint8.

    Source: Szegedy et al. 2015, "Going Deeper with Convolutions" (training methodology).
    """
    with Image.open(path) as file:
        image = file.convert("RGB")
    area = rng.uniform(MIN_AREA, 1.0) * image.width * image.height
    stretch = math.exp(rng.uniform(-1, 1) * math.log(MAX_STRETCH))
    width, height = min(math.sqrt(area * stretch), image.width), min(math.sqrt(area / stretch), image.height)
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    box = (left, top, left + width, top + height)
    crop = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def jitter(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change light and colours: (N, 3, H, W) uint8 to float32 in 0 to 255."""
    x = pixels.float()
    brightness, contrast, saturation = (
        1 + JITTER * (2 * torch.rand((len(x), 1, 1, 1), generator=generator) - 1) for _ in range(3)
    )
    grey = x.mean(dim=1, keepdim=True)  # (N, 1, H, W)
    middle = grey.mean(dim=(2, 3), keepdim=True)  # (N, 1, 1, 1)
    x = grey + saturation * (x - grey)
    return (brightness * (middle + contrast * (x - middle))).clamp(0, 255)


def batches(
    paths: list[Path],
    labels: torch.Tensor,
    side: int,
    size: int,
    seed: int,
    epoch: int,
    threads: int = 1,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch's batches, prepared ahead by other threads.

    Yields:
        (B, 3, side, side) float32 pixels, channels last, and (B,) int64 labels. The last few photos of an
        epoch that do not fill a batch are left out, others in each epoch.
    """
    generator = torch.Generator().manual_seed(seed * 1000 + epoch)
    order = torch.randperm(len(paths), generator=generator).split(size)
    chosen = [part for part in order if len(part) == size or len(order) == 1]

    def load(index: int) -> np.ndarray:
        return random_crop(paths[index], side, np.random.default_rng((seed, epoch, index)))

    with ThreadPoolExecutor(threads, thread_name_prefix="photos") as pool:
        queue = iter(chosen)
        ahead: deque[tuple[torch.Tensor, list[Future[np.ndarray]]]] = deque()

        def begin() -> None:
            for part in [next(queue, None)]:
                if part is not None:
                    ahead.append((part, [pool.submit(load, index) for index in part.tolist()]))

        for _ in range(AHEAD):
            begin()
        while ahead:
            part, crops = ahead.popleft()
            pixels = torch.from_numpy(np.stack([crop.result() for crop in crops])).permute(0, 3, 1, 2)
            begin()
            yield jitter(pixels, generator), labels[part]
