"""Measures the active version on labelled photos."""

import time
from pathlib import Path

from django.core.management.base import CommandError

from catalog.formatting import percent
from catalog.importing import find_product_folders
from catalog.management.shop_command import ShopCommand
from ml_training.recognition.evaluate import evaluate_model
from ml_training.versions.load import NO_MODEL


class Command(ShopCommand):
    help = "Measure the active version on photos in folders named by SKU."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("dir", type=Path, metavar="DIR")

    def run(self, shop, **options):
        root, started = options["dir"], time.perf_counter()
        if not root.is_dir():
            raise CommandError(f"{root} is not a folder.")
        total = sum(map(len, find_product_folders(root).values()))
        if not total:
            raise CommandError(f"No image files in {root} or below.")
        try:
            with self.bar(total, "photos") as bar:
                report = evaluate_model(shop, root, bar.update)
        except NO_MODEL as error:
            raise CommandError(str(error)) from error
        report["seconds"] = round(time.perf_counter() - started, 3)
        for item in report["refused"]:
            self.stderr.write(f"{item['file']}: {item['reason']}")
        if report["unknown_skus"]:
            self.say(f"The model does not know: {', '.join(report['unknown_skus'])}.")
        if len(report["refused"]) == total:
            raise CommandError("None of these files can be read as a photo.")
        if report["photos"]:
            self._say_of_known(report)
        if report["unknown_photos"]:
            self.say(
                f"{report['unknown_photos']} photos of products the model does not know: "
                f"{percent(report['unknown_named'], 1)} named all the same."
            )
        return report

    def _say_of_known(self, report: dict) -> None:
        self.say(
            f"{report['photos']} photos: first answer right {percent(report['top1'], 1)}, "
            f"among the first three {percent(report['top3'], 1)}; {report['seconds']:.1f} s."
        )
        if report["named"]:
            right = percent(report["named_correct"], 1)
            self.say(f"Named {percent(report['named'], 1)} of them, {right} of these right.")
        else:
            self.say("Named none of them: not sure of any.")
