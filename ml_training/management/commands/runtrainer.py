"""Runs an external trainer: takes runs of the projects in ML_TRAINER_ALLOWED_HOSTS. It uses no database."""

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.models import photo_limits
from ml_training.remote.tokens import MIN_TOKEN_LENGTH, is_sound_token
from ml_training.trainer.app import TrainerApp
from ml_training.trainer.hosts import AllowedHosts
from ml_training.trainer.work import Trainer


class Command(BaseCommand):
    help = "Train for projects on other hosts (docs/external-trainer.md). Needs no database."
    requires_system_checks = []  # they are a project's: database, queue, channel layer

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen at (%(default)s)")
        parser.add_argument("--port", type=int, default=8100, help="the port to listen at (%(default)s)")
        parser.add_argument("--jobs", type=int, default=2, help="shops trained at a time (%(default)s)")

    def handle(self, *, host, port, jobs, **options):
        if not is_sound_token(settings.ML_TRAINER_TOKEN):
            raise CommandError(
                f"Set ML_TRAINER_TOKEN to a secret of {MIN_TOKEN_LENGTH} ASCII characters or more."
            )
        if not settings.ML_TRAINER_ALLOWED_HOSTS:
            raise CommandError(
                "Set ML_TRAINER_ALLOWED_HOSTS to the hosts of the projects, such as shop.example."
            )
        try:
            hosts = AllowedHosts(settings.ML_TRAINER_ALLOWED_HOSTS)
        except ValueError as error:
            raise CommandError(str(error)) from error
        trainer = Trainer(
            hosts,
            settings.CACHE_DIR / "trainer",
            settings.COMPUTE_THREADS,
            photo_limits().max_bytes,
        )
        app = TrainerApp(settings.ML_TRAINER_TOKEN, hosts, trainer.do, max(jobs, 1))
        self.stdout.write(f"The trainer listens at http://{host}:{port}/v1/train")
        self.stdout.flush()
        uvicorn.run(
            app,
            host=host,
            port=port,
            http=settings.HTTP_PROTOCOL,
            ws="none",
            proxy_headers=False,
            log_level="warning",
            access_log=False,
            server_header=False,
        )
