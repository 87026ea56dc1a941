"""Where the files of models are kept: the storage named `models` in the settings."""

from django.core.files.storage import Storage, storages


def storage() -> Storage:
    return storages["models"]
