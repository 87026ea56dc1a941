"""Trains in a process of its own: `python -m ml_training.recognizer.finetune FOLDER --threads N`.

FOLDER has `lesson.json` and `photos/`. Progress goes to standard output, one JSON object a line. The process
ends when its standard input does: nobody would use what it makes.
"""

import argparse
import contextlib
import json
import os
import threading
from pathlib import Path

TUNED = "tuned.onnx"
HISTORY = "history.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="ml_training.recognizer.finetune")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    os.setpriority(os.PRIO_PROCESS, 0, 19)  # everything else on this machine goes first
    with contextlib.suppress(OSError):  # and this goes first where memory runs out; Linux only
        Path("/proc/self/oom_score_adj").write_text("1000")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    import torch
    from torch import distributed

    torch.set_num_threads(options.threads)
    if world > 1:
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")

    from ml_training.recognizer.backbone import export_encoder
    from ml_training.recognizer.files import atomic_file
    from ml_training.recognizer.finetune.hyperparameters import Dataset
    from ml_training.recognizer.finetune.loop import train

    dataset = Dataset.from_json(json.loads((options.folder / "lesson.json").read_text()))
    model = train(dataset, options.folder, _say if rank == 0 else _say_nothing, options.threads)
    if rank == 0:
        with atomic_file(options.folder / TUNED) as part:
            export_encoder(model.encoder.cpu(), part)
            (options.folder / HISTORY).write_text(json.dumps(model.history))
    if world > 1:
        distributed.destroy_process_group()


def _say(news: dict) -> None:
    print(json.dumps(news), flush=True)


def _say_nothing(news: dict) -> None:
    pass


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(3)


if __name__ == "__main__":
    main()
