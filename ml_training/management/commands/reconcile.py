"""Closes the gaps a crash left. The worker does it by itself every few seconds."""

import json
from dataclasses import asdict

from django.core.management.base import BaseCommand

from ml_training.runs.reconcile import reconcile


class Command(BaseCommand):
    help = "Give up runs whose worker is gone, queue what is owed, wake what waits, prune versions."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="print one JSON object with the runs' ids")

    def handle(self, *args, **options):
        done = reconcile()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
            return
        self.stdout.write(
            f"{len(done.given_up)} runs given up, {len(done.queued)} queued, {len(done.woken)} woken."
        )
