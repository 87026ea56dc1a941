"""Makes a phone or tablet a till of a shop."""

import re
from datetime import timedelta
from io import StringIO

import segno
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from catalog.management.shop_command import ShopCommand
from till.devices import add_till, pairing_address

HERE = "http://127.0.0.1:8000"
# Nothing that the token's # could end up behind, and no password.
SITE = re.compile(r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?(/[\w.~/-]*)?", re.IGNORECASE)


class Command(ShopCommand):
    help = "Print the address with which a phone or tablet becomes a till, and its QR code."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("name", metavar="NAME", help="what the shop calls it, such as Counter 1")
        parser.add_argument(
            "--url", metavar="ADDRESS", help=f"where this site is reached (default: PUBLIC_URL, or {HERE})"
        )
        parser.add_argument("--expires", type=int, metavar="DAYS", help="days until it ends (default: never)")

    def run(self, shop, **options):
        days = options["expires"]
        if days is not None and not 0 < days <= 3650:
            raise CommandError("--expires is a number of days from 1 to 3650.")
        site = options["url"] or settings.PUBLIC_URL or HERE
        if not SITE.fullmatch(site):
            raise CommandError("--url is where this site is reached, such as https://till.example.")
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        try:
            _, secret = add_till(shop, " ".join(options["name"].split()), expires_at)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        address = pairing_address(site, secret)
        if not self.as_json:
            self.stdout.write(f"Open this on the device, or scan the code. It is not shown again.\n{address}")
            drawn = StringIO()
            segno.make(address, error="l").terminal(out=drawn, compact=True)
            self.stdout.write(drawn.getvalue())
        return {"url": address, "expires_at": expires_at and expires_at.isoformat()}
