"""Warms up each queue worker when it starts, so that the first photo of the day is as quick as the next."""

import logging

from django.conf import settings
from django_q.conf import Conf
from django_q.signals import post_spawn

logger = logging.getLogger(__name__)


def connect() -> None:
    post_spawn.connect(warm_up, dispatch_uid="ml_training.warm_up")


def warm_up(**kwargs: object) -> None:
    if settings.Q_CLUSTER["name"] != Conf.CLUSTER_NAME:  # deep training: nobody waits for its first photo
        return
    try:
        import torch

        from ml_training.backbones.loader import open_embedder
        from ml_training.runs import quick  # noqa: F401

        torch.linalg.cholesky(torch.eye(2))
        open_embedder()
    except Exception:
        logger.exception("The worker could not warm up; the first run will say why.")
