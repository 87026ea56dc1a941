"""What the queue calls. Tasks take primary keys only and are thin."""


def train(run_id: int) -> None:
    from django.conf import settings

    from ml_training.remote import handover
    from ml_training.runs import quick

    if settings.ML_TRAINER_URL:
        handover.hand_over(run_id)
    else:
        quick.run_job(run_id)


def train_deep(run_id: int) -> None:
    from ml_training.runs.deep.job import run_deep_job

    run_deep_job(run_id, gives_way=True)


def reconcile() -> None:
    from ml_training.backbones import tuned
    from ml_training.runs.deep.schedule import reconcile_deep
    from ml_training.runs.embed_ahead import embed_ahead
    from ml_training.runs.reconcile import reconcile
    from ml_training.runs.sweep import sweep_if_due

    reconcile()
    reconcile_deep()
    tuned.prune()
    sweep_if_due()
    embed_ahead()
