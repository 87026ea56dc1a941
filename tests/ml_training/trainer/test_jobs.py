"""A trainer takes the preprocessing that it knows, of this release and of those before, and no other."""

import pytest

from ml_training.recognizer.backbone import PACKAGED_VERSIONS
from ml_training.trainer.hosts import AllowedHosts
from ml_training.trainer.jobs import FORMAT, JobRefused, read_job

HOSTS = AllowedHosts(["shop.example"])
V2 = PACKAGED_VERSIONS["efficientnet-lite0-224-v2"].preprocessing


def job(preprocessing: dict) -> dict:
    address = "https://shop.example/"
    backbone = {"id": "b", "sha256": "0" * 64, "vector_size": 4, "url": address}
    return {
        "format": FORMAT,
        "shop": 1,
        "run": 12,
        "fresh": False,
        "manifest_url": address,
        "webhook_url": address,
        "completion_url": address,
        "backbone": backbone | {"preprocessing": preprocessing},
        "token": "shr_x",
        "expires_at": "",
    }


@pytest.mark.parametrize("packaged", PACKAGED_VERSIONS.values(), ids=PACKAGED_VERSIONS)
def test_every_version_of_the_packaged_backbones_is_known(packaged):
    assert read_job(job(packaged.preprocessing.as_json()), HOSTS).preprocessing == packaged.preprocessing


@pytest.mark.parametrize(
    "change", [{"version": 3}, {"more": 1}, {"side": 9}, {"views": [{"share": 0.5, "down": 0.3}]}]
)
def test_preprocessing_of_a_later_release_is_refused(change):
    with pytest.raises(JobRefused):
        read_job(job(V2.as_json() | change), HOSTS)
