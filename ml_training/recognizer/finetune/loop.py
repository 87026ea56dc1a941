"""The training loop: epochs over random crops of the photos, a checkpoint after each, the last one kept.

The rate falls to nothing by the last epoch. The one that did best on the photos held out is not chosen:
the same photos judge it afterwards, and would be kind to what they chose.

Where there are GPUs it runs under `torchrun`, one process for each, with the same result in every process.
"""

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import distributed
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from ml_training.recognizer.backbone import PACKAGED
from ml_training.recognizer.calibration import fit_temperature, usual_temperature
from ml_training.recognizer.finetune import checkpoints
from ml_training.recognizer.finetune.hyperparameters import Dataset, Hyperparameters
from ml_training.recognizer.finetune.network import Tunable
from ml_training.recognizer.finetune.photos import batches
from ml_training.recognizer.head import fit_head

START = "start.safetensors"
WARMER = 2.0  # a head that is less sure than it could be leaves the network something to learn
MIDDLE = 0.8  # of each side, of a photo that is judged


@dataclass(frozen=True)
class Machine:
    """Where a process computes, and how many there are of its kind."""

    device: torch.device
    half: torch.dtype | None  # what convolutions compute in; None for single precision
    rank: int = 0
    world: int = 1

    @classmethod
    def here(cls) -> "Machine":
        """This process's GPU, or the processor; in half precision where that is quicker."""
        rank, world = int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        if torch.cuda.is_available():
            return cls(torch.device("cuda", rank), torch.bfloat16, rank, world)
        can = torch.cpu.get_capabilities()
        quick = can.get("avx512_bf16") or can.get("amx_bf16")
        return cls(torch.device("cpu"), torch.bfloat16 if quick else None, rank, world)

    def autocast(self) -> contextlib.AbstractContextManager:
        if self.half is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.half)


def train(dataset: Dataset, folder: Path, on_progress: Callable[[dict], object], threads: int = 1) -> Tunable:
    """Train on a dataset's photos, or go on from the last epoch that `folder` knows of.

    Args:
        folder: has `photos/SHA256.jpg` (see `photos.keep_small_copy`) and the head to begin with (see
            `save_start`); gets checkpoints.
        on_progress: called with `epoch` (from 1), `epochs`, `share` of all the work that is done, and after
            each epoch `accuracy`, of the photos held out.
    Returns:
        The network as it is after its last epoch.
    """
    hyperparameters, machine = dataset.hyperparameters, Machine.here()
    torch.manual_seed(hyperparameters.seed)
    model = Tunable(PACKAGED[hyperparameters.base], dataset.classes, hyperparameters.first_block).to(
        machine.device
    )
    optimizer = _optimizer(model, hyperparameters)
    checkpoint = folder / checkpoints.NAME
    state = checkpoints.load(checkpoint, model, optimizer) or _start(model, folder)
    learner = DistributedDataParallel(model) if machine.world > 1 else model
    for epoch in range(state["epoch"], hyperparameters.epochs):
        began = time.monotonic()
        loss = _learn(learner, optimizer, dataset, folder, machine, epoch, on_progress, threads)
        accuracy = _accuracy(model, dataset, folder, machine)
        state["epoch"] = epoch + 1
        state["history"].append(
            {"loss": round(loss, 4), "accuracy": accuracy, "seconds": round(time.monotonic() - began, 1)}
        )
        if machine.rank == 0:
            checkpoints.save(checkpoint, model, optimizer, state)
        on_progress({**_where(hyperparameters, epoch + 1, 0.0), "accuracy": accuracy})
    if machine.world > 1:
        distributed.barrier()
    model.history = state["history"]
    return model


def _start(model: Tunable, folder: Path) -> dict:
    """Give a network its first head; the state before the first epoch."""
    head = load_file(folder / START)
    model.start_from(head["weights"], head["bias"])
    return {"epoch": 0, "history": []}


def save_start(folder: Path, vectors: np.ndarray, dataset: Dataset) -> None:
    """Fit and write the head that a training begins with.

    Args:
        vectors: (N, D) float32 of the dataset's photos, by the packaged backbone.
    """
    labels, held_out = np.array(dataset.labels), np.array(dataset.held_out)
    head = fit_head(vectors[~held_out], labels[~held_out])
    usual = usual_temperature(len(vectors) / len(head.bias))
    temperature = WARMER * fit_temperature(head.logits(vectors[held_out]), labels[held_out], usual)
    scale = np.float32(1 / temperature)
    tensors = {"weights": torch.from_numpy(head.weights * scale), "bias": torch.from_numpy(head.bias * scale)}
    save_file(tensors, folder / START)


def _photos(dataset: Dataset, folder: Path, held_out: bool) -> tuple[list[Path], torch.Tensor]:
    chosen = [index for index, held in enumerate(dataset.held_out) if held == held_out]
    paths = [folder / "photos" / f"{dataset.photos[index]}.jpg" for index in chosen]
    return paths, torch.tensor([dataset.labels[index] for index in chosen])


def _optimizer(model: Tunable, hyperparameters: Hyperparameters) -> torch.optim.Optimizer:
    rates = [(model.encoder, hyperparameters.rate), (model.classifier, hyperparameters.classifier_rate)]
    groups = [
        {"params": [p for p in part.parameters() if p.requires_grad], "lr": rate, "peak": rate}
        for part, rate in rates
    ]
    return torch.optim.AdamW(groups, weight_decay=hyperparameters.weight_decay)


def _where(hyperparameters: Hyperparameters, epoch: int, share: float) -> dict:
    done = (epoch + share) / hyperparameters.epochs
    return {
        "epoch": min(epoch + 1, hyperparameters.epochs),
        "epochs": hyperparameters.epochs,
        "share": round(done, 4),
    }


def _learn(
    learner: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    dataset: Dataset,
    folder: Path,
    machine: Machine,
    epoch: int,
    on_progress: Callable[[dict], object],
    threads: int,
) -> float:
    """One epoch; the mean loss of its batches."""
    hyperparameters, side = dataset.hyperparameters, PACKAGED[dataset.hyperparameters.base].preprocessing.side
    paths, labels = _photos(dataset, folder, held_out=False)
    losses = []
    steps = max(1, len(paths) // hyperparameters.batch)
    own_part = slice(machine.rank, None, machine.world)  # of each batch
    prepared = batches(paths, labels, side, hyperparameters.batch, hyperparameters.seed, epoch, threads)
    for step, (pixels, target) in enumerate(prepared):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * hyperparameters.rate_at(
                (epoch + step / steps) / hyperparameters.epochs
            )
        x = pixels[own_part].to(machine.device, memory_format=torch.channels_last)
        with machine.autocast():
            logits = learner(x)  # (B, C)
        loss = cross_entropy(logits.float(), target[own_part].to(machine.device))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        on_progress(_where(hyperparameters, epoch, (step + 1) / steps))
    return float(np.mean(losses))


def _accuracy(model: Tunable, dataset: Dataset, folder: Path, machine: Machine) -> float:
    """Share of the photos held out that the network knows, each product counting the same."""
    side = PACKAGED[dataset.hyperparameters.base].preprocessing.side
    chosen = [index for index, held in enumerate(dataset.held_out) if held]
    hits: dict[int, list[bool]] = {}
    for start in range(0, len(chosen), dataset.hyperparameters.batch):
        part = chosen[start : start + dataset.hyperparameters.batch]
        paths = [folder / "photos" / f"{dataset.photos[index]}.jpg" for index in part]
        pixels = np.stack([_middle(path, side) for path in paths])
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(machine.device)
        with torch.inference_mode(), machine.autocast():
            answers = model(x).argmax(dim=1).tolist()
        for index, answer in zip(part, answers, strict=True):
            hits.setdefault(dataset.labels[index], []).append(answer == dataset.labels[index])
    return round(float(np.mean([np.mean(of_product) for of_product in hits.values()])), 4) if hits else 0.0


def _middle(path: Path, side: int) -> np.ndarray:
    with Image.open(path) as file:
        image = file.convert("RGB")
    left, top = (1 - MIDDLE) / 2 * image.width, (1 - MIDDLE) / 2 * image.height
    box = (left, top, image.width - left, image.height - top)
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))
