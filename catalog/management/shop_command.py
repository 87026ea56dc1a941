"""What every Shelfsight command shares: `--shop`, `--json`, a progress bar on a terminal.

With `--json`, standard output carries one JSON object and nothing else; other text goes to standard error.
"""

import json
import sys

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.models import Shop


class ShopCommand(BaseCommand):
    """A command that works in one shop. Subclasses define `run(shop, **options)`, which returns a report, and
    set `is_done` to False when part of the job could not be done; the report then says which."""

    is_done = True

    def add_arguments(self, parser):
        parser.add_argument(
            "--shop", dest="slug", metavar="SLUG", help="the shop (default: the default shop)"
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object on standard output, and nothing else there",
        )

    def handle(self, *args, **options):
        self.as_json = options["json"]
        report = self.run(self._shop(options.pop("slug")), **options)
        if self.as_json:
            self.stdout.write(json.dumps(report, ensure_ascii=False))
        if not self.is_done:
            sys.exit(1)

    def run(self, shop: Shop, **options) -> dict:
        raise NotImplementedError

    def say(self, text: str) -> None:
        (self.stderr if self.as_json else self.stdout).write(text)

    def bar(self, total: int, unit: str) -> tqdm:
        """A progress bar on standard error; silent where that is no terminal."""
        return tqdm(
            total=total, unit=f" {unit}", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False
        )

    def _shop(self, slug: str | None) -> Shop:
        if slug is None:
            return Shop.default()
        try:
            return Shop.objects.get(slug=slug)
        except Shop.DoesNotExist:
            known = ", ".join(Shop.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no shop {slug!r}. The shops are: {known}.") from None
