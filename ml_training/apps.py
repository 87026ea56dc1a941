from django.apps import AppConfig


class MlTrainingConfig(AppConfig):
    name = "ml_training"
    verbose_name = "Training"

    def ready(self):
        from ml_training import checks  # noqa: F401
        from ml_training import signal_handlers as receivers
        from ml_training.runs import warmup  # noqa: F401

        receivers.connect()
        warmup.connect()
