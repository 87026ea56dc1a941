"""Removes a person's second factor when the phone and the recovery codes are lost."""

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from config.logins.journal import note_removal
from config.logins.second_factor import remove


class Command(BaseCommand):
    help = "Remove the second factor of a person whose phone is lost, and end their sessions."

    def add_arguments(self, parser):
        parser.add_argument("user", help="the name that the person logs in with")

    def handle(self, *args, **options):
        try:
            user = User.objects.get_by_natural_key(options["user"])
        except User.DoesNotExist as error:
            raise CommandError(f"There is no user called {options['user']!r}.") from error
        if remove(user):
            note_removal(user, "manage.py")
            self.stdout.write(f"{user} now logs in with the password alone, until they set it up again.")
        else:
            self.stdout.write(f"{user} has no second factor: there is nothing to remove.")
