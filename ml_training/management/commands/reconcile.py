"""Closes the gaps a crash left. The worker does it by itself every few seconds."""

import json
from dataclasses import asdict

from django.core.management.base import BaseCommand

from ml_training.runs.reconcile import reconcile
from ml_training.runs.sweep import sweep


class Command(BaseCommand):
    help = "Give up runs whose worker is gone, queue what is owed, wake what waits, prune versions, tidy up."

    def add_arguments(self, parser):
        parser.add_argument(
            "--now",
            action="store_true",
            help="also remove every file that belongs to nothing, of today too: while nothing is being added",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object with the runs' ids")

    def handle(self, *args, **options):
        done, removed = reconcile(), sweep(now=options["now"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done) | {"removed": removed}))
            return
        self.stdout.write(
            f"{len(done.given_up)} runs given up, {len(done.queued)} queued, {len(done.woken)} woken; "
            f"{removed} files and vectors that belonged to nothing removed."
        )
