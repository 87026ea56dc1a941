"""What the queue calls. Tasks take primary keys only and are thin."""


def train(run_id: int) -> None:
    from django.conf import settings

    from ml_training import handover, job

    if settings.ML_TRAINER_URL:
        handover.hand_over(run_id)
    else:
        job.run_job(run_id)


def train_deep(run_id: int) -> None:
    from ml_training.deep.job import run_deep_job

    run_deep_job(run_id, gives_way=True)


def reconcile() -> None:
    from ml_training.backbones import tuned
    from ml_training.deep.promise import reconcile_deep
    from ml_training.reconciler import reconcile

    reconcile()
    reconcile_deep()
    tuned.prune()
