"""Tunes a backbone on a shop's photos: one deep run from claim to active version.

    prepare → learn (a process of its own) → embed every photo → compare → publish

The version that serves goes on doing so until the new one is whole, and quick runs go on beside it.
"""

import json
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import Error

from catalog.formatting import counted, percent
from ml_training.backbones import tuned
from ml_training.backbones.loader import backbone_id_for, find_backbone
from ml_training.dataset.embeddings import load_embeddings, read_original
from ml_training.dataset.manifest import Manifest, read_manifest
from ml_training.models import ModelVersion, ShopTraining, TrainingRun, TunedBackbone
from ml_training.recognizer.backbone import PACKAGED, PACKAGED_VERSIONS, Backbone, packaged_backbone
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.finetune.__main__ import HISTORY
from ml_training.recognizer.finetune.comparison import Comparison, compare
from ml_training.recognizer.finetune.hyperparameters import Dataset, Hyperparameters, choose_held_out
from ml_training.recognizer.finetune.loop import save_start
from ml_training.recognizer.finetune.photos import keep_small_copy
from ml_training.recognizer.train import fit_model
from ml_training.runs.complete import complete
from ml_training.runs.deep import lifecycle as deep_lifecycle
from ml_training.runs.deep import process
from ml_training.runs.deep.hours import shops_open
from ml_training.runs.heartbeat import Heartbeat
from ml_training.runs.lifecycle import Phase
from ml_training.runs.progress import Progress
from ml_training.runs.quick import TrainingSet, Vectors, closing, embed, publish_fitted

logger = logging.getLogger(__name__)
# Share of a run's time after which each phase begins, about as measured with 2,640 photos.
BEGINS = {Phase.PREPARING: 0.0, Phase.LEARNING: 0.03, Phase.EMBEDDING: 0.88, Phase.EVALUATING: 0.96,
          Phase.PUBLISHING: 0.98, Phase.DONE: 1.0}  # fmt: skip
TOO_FEW = "There are too few photos to learn more from: at least two products need two photos each."


class OutOfHours(Exception):
    """Raised when the hours end in which a deep run may compute."""


def run_deep_job(
    run_id: int,
    on_change: Callable[[TrainingRun], None] | None = None,
    at_any_hour: bool = False,
    gives_way: bool = False,
    hyperparameters: Hyperparameters | None = None,
) -> TrainingRun | None:
    """Claim a deep run and bring it to its end.

    Args:
        on_change: called with the run at every phase and now and then within one.
        at_any_hour: also outside the shop's hours: somebody asked for it.
        gives_way: let everything else on this machine go first, from now on: for a worker of the deep queue.
            The training process always does.
        hyperparameters: those for so many photos if left out.
    Returns:
        The run as it ended, or None when there was nothing to claim or the shop is gone.
    Effects:      see `claim`, `complete` and `fail` in `lifecycle`; files in the cache while it trains, a
                  tuned backbone and a version in the model storage if it pays.
    Repeatable:   yes; only one caller can claim a run, and what was cut short goes on from its last epoch.
    """
    run = deep_lifecycle.claim(run_id, at_any_hour)
    if run is None:
        return None
    if gives_way:
        os.setpriority(os.PRIO_PROCESS, 0, 19)
    with closing(run, let_go=_cancel):
        try:
            with Heartbeat(run) as heartbeat:
                _DeepJob(run, Progress(run, heartbeat, on_change, BEGINS), at_any_hour, hyperparameters).do()
        except OutOfHours:
            deep_lifecycle.pause(run)
    ended = TrainingRun.objects.filter(pk=run.pk).first()
    if ended is not None and ended.status == TrainingRun.Status.CANCELLED:
        forget_work(run.shop_id)
    return ended


def _cancel(run: TrainingRun) -> bool:
    """For an interruption in the foreground: what was learned stays for the next one."""
    with suppress(Error):  # should the database be away, a worker goes on with it
        return deep_lifecycle.cancel_own(run)
    return False


def folder_of(shop_id: int, dataset: Dataset) -> Path:
    return settings.CACHE_DIR / "deep" / f"{shop_id}-{dataset.fingerprint}"


def forget_work(shop_id: int, but: Path | None = None) -> None:
    """Remove what earlier deep runs of a shop left in the cache of this machine."""
    for folder in (settings.CACHE_DIR / "deep").glob(f"{shop_id}-*"):
        if folder != but:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _DeepJob:
    run: TrainingRun
    progress: Progress
    at_any_hour: bool
    hyperparameters: Hyperparameters | None

    def do(self) -> None:
        self.progress.enter(Phase.PREPARING)
        self.before = Embedder(find_backbone(backbone_id_for(self.run.shop_id)), settings.DEEP_THREADS)
        usable = self._embed(self.before).usable
        dataset = self._choose_dataset(usable)
        if dataset is None:
            self._finish(None, TOO_FEW)
            return
        folder = folder_of(self.run.shop_id, dataset)
        forget_work(self.run.shop_id, but=folder)
        self._prepare(folder, dataset, usable)
        self.progress.enter(Phase.LEARNING)
        file = process.learn(folder, self._note, self.progress.check)
        history = json.loads((folder / HISTORY).read_text())
        learned = [sha for sha, held in zip(dataset.photos, dataset.held_out, strict=True) if not held]
        tuned_backbone = tuned.keep(self.run.shop_id, self._base(), file, learned)
        self._judge_and_publish(tuned_backbone, history)
        forget_work(self.run.shop_id)

    def _base(self) -> Backbone:
        return packaged_backbone(settings.BACKBONE, settings.CACHE_DIR)

    def _embed(self, embedder: Embedder) -> Vectors:
        """The shop's usable photos as they are now, and their vectors."""
        wanted = ShopTraining.objects.values_list("wanted", flat=True).get(shop_id=self.run.shop_id)
        self.run.generation = wanted  # read before the photos: whatever comes later is owed
        return embed(self.run, TrainingSet(embedder, read_manifest(self.run.shop_id)), self.progress)

    def _choose_dataset(self, usable: Manifest) -> Dataset | None:
        """What the network learns; None where it cannot. Photos of two products at once teach nothing."""
        alone = {sha for sha, copies in usable.copies.items() if len({c.product_pk for c in copies}) == 1}
        photos = {photo.sha256: photo.product_pk for photo in usable.photos if photo.sha256 in alone}
        classes = {pk: number for number, pk in enumerate(dict.fromkeys(photos.values()))}
        labels = np.array([classes[pk] for pk in photos.values()], np.int64)
        if len(classes) < 2 or (np.bincount(labels) > 1).sum() < 2:
            return None
        learned = tuned.learned_by(self.before.backbone.id)
        held_out = choose_held_out(labels, np.array([sha in learned for sha in photos]))
        usual = Hyperparameters.for_photos(settings.BACKBONE, int((~held_out).sum()))
        hyperparameters = self.hyperparameters or usual
        return Dataset(hyperparameters, tuple(photos), tuple(labels.tolist()), tuple(held_out.tolist()))

    def _prepare(self, folder: Path, dataset: Dataset, usable: Manifest) -> None:
        (folder / "photos").mkdir(parents=True, exist_ok=True)
        (folder / "lesson.json").write_text(json.dumps(dataset.as_json()))
        side = PACKAGED[dataset.hyperparameters.base].preprocessing.side
        for number, sha256 in enumerate(dataset.photos):
            path = folder / "photos" / f"{sha256}.jpg"
            if not path.exists():
                keep_small_copy(read_original(usable.copies[sha256], 2 * side), side, path)
            self.progress.within(number / len(dataset.photos))
        base = self.before
        if base.backbone.id != self._base().id:  # a tuned or an earlier one serves; learning begins anew
            base = Embedder(self._base(), settings.DEEP_THREADS)
        vectors, _ = load_embeddings(base, usable, self.progress.within)
        save_start(folder, np.stack([vectors[sha256] for sha256 in dataset.photos]), dataset)

    def _note(self, news: dict) -> None:
        metrics = self.run.metrics
        metrics.setdefault("began_at", news["share"])  # above 0 where an earlier try was cut short
        for name in ("epoch", "epochs", "accuracy"):
            metrics[name] = news.get(name, metrics.get(name))
        self.progress.within(news["share"], metrics=metrics)
        if "accuracy" in news and not self._may_go_on():
            raise OutOfHours

    def _may_go_on(self) -> bool:
        try:
            return self.at_any_hour or self.run.shop_id in shops_open()
        except Error:
            logger.warning("The hours of shop %s could not be read.", self.run.shop_id, exc_info=True)
            return True

    def _judge_and_publish(self, tuned_backbone: TunedBackbone, history: list[dict]) -> None:
        self.progress.enter(Phase.EMBEDDING)
        after = self._embed(Embedder(tuned.fetch(tuned_backbone), settings.DEEP_THREADS))
        self.progress.enter(Phase.EVALUATING)
        usable = after.usable
        earlier, _ = load_embeddings(self.before, usable, lambda share: None)
        old, new = Vectors(self.before, usable, earlier).matrix(), after.matrix()
        learned = frozenset(tuned_backbone.learned)
        unseen = usable.unseen_by(learned | tuned.learned_by(self.before.backbone.id))
        was_tuned = self.before.backbone.id not in PACKAGED_VERSIONS
        comparison = compare(old, new, usable.labels, unseen, was_tuned)
        self.run.metrics |= {
            "history": history,
            "accuracy_before": comparison.before,
            "accuracy_after": comparison.after,
            "photos_compared": comparison.photos,
        }
        version = None
        if comparison.is_better:
            fitted = fit_model(
                new, usable.labels, self.progress.check, usable.unseen_by(learned), after.looks()
            )
            version = publish_fitted(self.run, after, fitted, self.progress)
        self._finish(version, _in_words(comparison), usable)
        if version is None:
            tuned.forget(tuned_backbone)

    def _finish(self, version: ModelVersion | None, message: str, learned: Manifest | None = None) -> None:
        self.run.metrics |= self.progress.finish()
        self.run.backbone = version.backbone if version else self.before.backbone.id
        complete(self.run, version, message, learned, self.before.backbone.id)


def _in_words(comparison: Comparison) -> str:
    if comparison.before is None or comparison.after is None:
        return "Deep training could not be judged: too few photos. The active model stays as it is."
    figures = f"{percent(comparison.before)} to {percent(comparison.after)}"
    photos = f"on {comparison.photos} photos that it had not seen"
    is_more = comparison.after > comparison.before
    if comparison.is_better:
        surer = "" if is_more else ", and it is surer of the right products"
        return f"Deep training paid: {figures} {photos}{surer}."
    return (
        f"Deep training did not pay: {figures} {photos}{_why_not(comparison, is_more)}. "
        "The active model stays as it is; more photos may change that."
    )


def _why_not(comparison: Comparison, is_more: bool) -> str:
    """What goes on after "86 % to 88 % on 529 photos that it had not seen"."""
    if comparison.products_lost:
        return f", but {counted(comparison.products_lost, 'product')} would be recognised less often"
    if not is_more:
        return " is not better"
    if not comparison.is_clearer:
        return " is no more than chance"
    return ", too few to rule out that it gets worse"
