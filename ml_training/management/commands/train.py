"""Does in the foreground what is owed: the same code as the queue's task."""

from django.conf import settings
from django.core.management.base import CommandError

from catalog.formatting import counted
from catalog.management.shop_command import ShopCommand
from ml_training.models import TrainingRun
from ml_training.runs import queue
from ml_training.runs.deep.job import run_deep_job
from ml_training.runs.deep.lifecycle import queue_deep
from ml_training.runs.quick import run_job
from ml_training.runs.reconcile import reconcile
from ml_training.status.shop import training_info

INTERRUPTED = "Interrupted. What is owed stays owed: a worker trains it, or this command the next time."
DEEP_INTERRUPTED = (
    "Cancelled. The active model stays as it is. What was learned is kept on this machine: with the same "
    "photos, train --deep goes on after the last round that was finished."
)


class Command(ShopCommand):
    help = (
        "Train what is owed, now and here. Nothing owed is success. Not needed in daily work: workers do it."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="look at every photo again and train afresh")
        parser.add_argument(
            "--deep",
            action="store_true",
            help="then tune the backbone on these photos, which takes long; it serves if that made it better",
        )

    def run(self, shop, **options):
        if options["deep"] and settings.BACKBONE_FILE:
            raise CommandError("Only packaged backbones can be tuned. Unset BACKBONE_FILE first.")
        try:
            report = self._train(shop, **options)
        except KeyboardInterrupt:
            raise CommandError(INTERRUPTED) from None
        try:
            return report | self._train_deep(shop) if options["deep"] else report
        except KeyboardInterrupt:
            raise CommandError(DEEP_INTERRUPTED) from None

    def _train(self, shop, **options) -> dict:
        reconcile()  # a run whose worker died is no reason to wait
        queued = queue.owed_run(shop, fresh=options["all"])
        if queued is None:
            info = training_info(shop)
            trained = f"Nothing is owed: {shop.name} is trained on its newest photos."
            self.say(trained if info.has_active_model else f"Nothing is owed. {info.message}")
            return self._report(shop, None)
        busy = "A worker is training this shop at this moment; its run includes these photos."
        run = self._follow(run_job, queued, busy)
        for photo in run.set_aside:
            self.stderr.write(f"Set aside {photo['sku']}/{photo['filename']}: {photo['reason']}")
        photos, products = counted(run.photos, "photo"), counted(run.products, "product")
        self.say(f"{photos} of {products} in {run.metrics['seconds']:.2f} s.")
        return self._report(shop, run)

    def _train_deep(self, shop) -> dict:
        queued = queue_deep(shop.pk, "asked_deep")
        busy = "A worker is in a deep training of this shop at this moment."
        run = self._follow(run_deep_job, queued, busy, at_any_hour=True)
        metrics = run.metrics
        return self._report(shop, run) | {
            "accuracy_before": metrics.get("accuracy_before"),
            "accuracy_after": metrics.get("accuracy_after"),
            "photos_compared": metrics.get("photos_compared", 0),
            "activated": hasattr(run, "version") and not run.version.held_back,
            "epochs": metrics.get("history", []),
        }

    def _follow(self, job, queued: TrainingRun, busy: str, **options) -> TrainingRun:
        """Do a queued run under a bar; raises CommandError if it does not come to its end, or is `busy`."""
        with self.bar(100, "%") as bar:

            def show(run):
                bar.set_description(run.get_phase_display())
                bar.update(round(100 * run.progress) - bar.n)

            run = job(queued.pk, on_change=show, **options)
        if run is None:
            raise CommandError(busy)
        if run.status == TrainingRun.Status.FAILED:
            raise CommandError(run.error)
        if run.status == TrainingRun.Status.CANCELLED:
            raise CommandError(run.message)
        if run.status != TrainingRun.Status.COMPLETED:
            raise CommandError("The run was taken over by another worker.")
        self.say(run.message)
        return run

    def _report(self, shop, run: TrainingRun | None) -> dict:
        info = training_info(shop)
        metrics = run.metrics if run else {}
        return {
            "version": info.version,
            "products": run.products if run else info.products,
            "photos": run.photos if run else info.photos,
            "set_aside": len(run.set_aside) if run else len(info.set_aside),
            "seconds": metrics.get("seconds", 0.0),
            "phases": metrics.get("phases", {}),
            "message": run.message if run else "nothing owed",
        }
