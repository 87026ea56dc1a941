"""The least that has to be done: decode photos and run the backbone on them, one batch after the other.

    python -m benchmarks.bare_loop PHOTO_DIR [--sleep]

Called by `cold_training`, which compares training with it. Prints one JSON object.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
from django.conf import settings

from benchmarks.installation import CACHE
from catalog.importing import find_product_folders
from catalog.photo_files import open_upright
from ml_training.recognizer.backbone import packaged_backbone
from ml_training.recognizer.preprocess import to_pixels

BATCH = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--sleep", action="store_true", help="threads that wait sleep, as in training")
    options = parser.parse_args()
    paths = [path for files in find_product_folders(options.photos).values() for path in files]
    backbone = packaged_backbone(settings.BACKBONE, CACHE)

    started, decoding = time.perf_counter(), 0.0
    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = settings.COMPUTE_THREADS
    if options.sleep:
        session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(backbone.path, session_options, providers=["CPUExecutionProvider"])
    for start in range(0, len(paths), BATCH):
        began = time.perf_counter()
        pixels = np.stack([_read(path, backbone.preprocessing) for path in paths[start : start + BATCH]])
        decoding += time.perf_counter() - began
        session.run(["vectors"], {"pixels": pixels})
    seconds = time.perf_counter() - started
    print(json.dumps({"photos": len(paths), "seconds": seconds, "decoding": decoding}))


def _read(path: Path, preprocessing) -> np.ndarray:
    return to_pixels(open_upright(path.read_bytes(), preprocessing.decode_side), preprocessing)


if __name__ == "__main__":
    main()
