"""Closes the gaps a crash left. The worker does it by itself every few seconds."""

from django.core.management.base import BaseCommand

from ml_training.reconciler import reconcile


class Command(BaseCommand):
    help = "Give up runs whose worker is gone, queue what is owed, wake what waits."

    def handle(self, *args, **options):
        done = reconcile()
        self.stdout.write(
            f"{len(done.given_up)} runs given up, {len(done.queued)} queued, {len(done.woken)} woken."
        )
