"""Makes the demo's login, and its catalogue on the first run."""

import os

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from catalog.models import Shop


class Command(BaseCommand):
    help = "Create the login demo (password: DEMO_PASSWORD), and the demo catalogue the first time."

    def handle(self, *args, **options):
        password = os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("Set DEMO_PASSWORD to the password that the user demo shall have.")
        users = get_user_model().objects
        # The catalogue first: a first run that was broken off is then still the first run.
        if not users.filter(username="demo").exists() and not Shop.default().products.exists():
            self.stdout.write("First run: drawing a small catalogue to play with.")
            call_command("demo_catalogue", stdout=self.stdout, stderr=self.stderr)
        user, _ = users.get_or_create(username="demo", defaults={"is_staff": True, "is_superuser": True})
        user.set_password(password)
        user.save(update_fields=["password"])
