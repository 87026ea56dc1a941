"""Does in the foreground what is owed: the same code as the queue's task."""

from django.core.management.base import CommandError

from catalog.management.shop_command import ShopCommand
from ml_training import training
from ml_training.job import run_job
from ml_training.models import TrainingRun
from ml_training.reconciler import reconcile
from ml_training.status import training_info


class Command(ShopCommand):
    help = (
        "Train what is owed, now and here. Nothing owed is success. Not needed in daily work: workers do it."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="look at every photo again and train afresh")

    def run(self, shop, **options):
        reconcile()  # a run whose worker died is no reason to wait
        queued = training.owed_run(shop, fresh=options["all"])
        if queued is None:
            info = training_info(shop)
            trained = f"Nothing is owed: {shop.name} is trained on its newest photos."
            self.say(trained if info.has_active_model else f"Nothing is owed. {info.message}")
            return self._report(shop, None)
        with self.bar(100, "%") as bar:
            run = run_job(queued.pk, on_change=lambda run: self._show(bar, run))
        if run is None:
            raise CommandError(
                "A worker is training this shop at this moment; its run includes these photos."
            )
        if run.status == TrainingRun.Status.FAILED:
            raise CommandError(run.error)
        if run.status != TrainingRun.Status.COMPLETED:
            raise CommandError("The run was taken over by another worker.")
        self.say(run.message)
        self._say_set_aside(run)
        self.say(f"{run.photos} photos of {run.products} products in {run.metrics['seconds']:.2f} s.")
        return self._report(shop, run)

    def _show(self, bar, run):
        bar.set_description(run.get_phase_display())
        bar.update(round(100 * run.progress) - bar.n)

    def _say_set_aside(self, run):
        for photo in run.set_aside:
            self.stderr.write(f"Set aside {photo['sku']}/{photo['filename']}: {photo['reason']}")

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
