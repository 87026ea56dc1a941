"""Writes a trained model as the files of a new version, once they have proved themselves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_training.dataset.embeddings import read_some
from ml_training.dataset.manifest import Manifest, ManifestPhoto
from ml_training.models import ModelVersion, TrainingRun
from ml_training.recognizer.answers.check import check_output
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.export import build_files
from ml_training.recognizer.head import Head
from ml_training.versions import files as version_files

if TYPE_CHECKING:  # it loads torch, which whoever takes a model from elsewhere does without
    from ml_training.recognizer.train import Fitted

CHECK_PHOTOS = 2


@dataclass(frozen=True)
class TrainedModel:
    head: Head
    usable: Manifest  # its products are the head's classes, in order
    metrics: dict
    cross_validated: dict[str, list[int]]  # by photo: its product, and the one answered without it
    evidence: dict[str, dict]  # what a person or the gate should know of the photos

    @classmethod
    def of(
        cls, fitted: "Fitted", usable: Manifest, evidence: dict[str, dict] | None = None
    ) -> "TrainedModel":
        """Put together what a version is made of.

        Args:
            evidence: of the photos, beside what fitting has found.
        """
        found = {
            "mistaken": usable.answers_by_photo(fitted.misclassified),
            "strangers": usable.answers_by_photo(fitted.outliers),
        }
        answers = usable.answers_by_photo(fitted.answers)
        return cls(fitted.head, usable, fitted.metrics, answers, found | (evidence or {}))


def publish(
    run: TrainingRun,
    embedder: Embedder,
    model: TrainedModel,
    check: list[ManifestPhoto],
    vectors: dict[str, np.ndarray],
) -> ModelVersion:
    """Write a model's files and describe them as a version that is not saved yet.

    Args:
        check: photos on which `model.onnx` and `head.onnx` must say what the head says.
        vectors: sha256 to (D,) float32 vector, of these photos at least.
    Effects:      files in the run's folder of the model storage.
    Raises:
        ExportDiffers: one of them says something else than the head.
    """
    folder, number = version_files.folder_of(run), version_files.next_number(run.shop_id)
    metadata = version_files.metadata(model.usable, number, model.head, model.metrics)
    files = build_files(embedder.backbone, model.head, metadata)
    shown, theirs = read_some(check, embedder, vectors)
    difference = check_output(files["onnx"].content, files["head_onnx"].content, model.head, shown, theirs)
    version_files.store(folder, files)
    return ModelVersion(
        shop_id=run.shop_id,
        number=number,
        run=run,
        backbone=embedder.backbone.id,
        folder=folder,
        files=version_files.describe(files),
        products=len(model.usable.products),
        photos=len(model.usable.photos),
        cross_validated=model.cross_validated,
        evidence=dict(model.evidence),
        metrics=model.metrics | {"output_difference": difference},
    )
