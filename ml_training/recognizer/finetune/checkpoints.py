"""Writes down a training after each epoch, so that it can go on after a crash as if nothing had happened.

A checkpoint is a safetensors file with a JSON text in its header: nothing is pickled.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ml_training.recognizer.files import atomic_file

NAME = "checkpoint.safetensors"


def save(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, state: dict) -> None:
    """Write what learns, its optimizer's moments and a JSON-serialisable state, whole or not at all."""
    tensors = {f"model.{name}": value.contiguous() for name, value in learned(model).items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value.contiguous() for name, value in moments.items()}
    with atomic_file(path) as part:
        save_file(tensors, part, {"state": json.dumps(state)})


def load(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict | None:
    """Set model and optimizer to what was saved; its state, or None where nothing was."""
    if not path.exists():
        return None
    weights: dict[str, torch.Tensor] = {}
    moments: dict[int, dict[str, torch.Tensor]] = {}
    with safe_open(path, "pt") as file:
        state = json.loads(file.metadata()["state"])
        for key in list(file.keys()):
            kind, _, rest = key.partition(".")
            if kind == "model":
                weights[rest] = file.get_tensor(key)
            else:
                index, _, name = rest.partition(".")
                moments.setdefault(int(index), {})[name] = file.get_tensor(key)
    set_learned(model, weights)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    return state


def learned(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The parameters that learn, by name."""
    return {name: value.detach() for name, value in model.named_parameters() if value.requires_grad}


def set_learned(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Set the parameters that learn, all of them.

    Raises:
        ValueError: these are not the parameters of this model.
    """
    parameters = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if parameters.keys() != weights.keys() or any(
        parameters[name].shape != weights[name].shape for name in parameters
    ):
        raise ValueError("The checkpoint belongs to another network.")
    with torch.no_grad():
        for name, value in parameters.items():
            value.copy_(weights[name])
