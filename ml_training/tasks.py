"""What the queue calls. Tasks take primary keys only and are thin."""


def train(run_id: int) -> None:
    from ml_training.job import run_job

    run_job(run_id)


def reconcile() -> None:
    from ml_training.reconciler import reconcile

    reconcile()
