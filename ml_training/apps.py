from django.apps import AppConfig


class MlTrainingConfig(AppConfig):
    name = "ml_training"
    verbose_name = "Training"

    def ready(self):
        from ml_training import (
            checks,  # noqa: F401 (registers them)
            permissions,
            signal_handlers,
        )
        from ml_training.runs import warmup

        permissions.register_scopes()
        signal_handlers.connect()
        warmup.connect()
