"""What asked for a run, in words."""

import pytest

from ml_training.events import trigger_in_words
from ml_training.models import TrainingRun


def words(*changes) -> str:
    trigger = [{"kind": kind, "product": product, "count": count} for kind, product, count in changes]
    return trigger_in_words(TrainingRun(trigger=trigger))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("photo_added", "Oat milk", 1), "1 photo added to Oat milk"),
        (("photo_added", "Oat milk", 3), "3 photos added to Oat milk"),
        (("photo_removed", "Oat milk", 2), "2 photos removed from Oat milk"),
        (("photo_replaced", "Oat milk", 1), "1 photo replaced on Oat milk"),
        (("photo_moved", "Oat milk", 1), "1 photo moved to Oat milk"),
        (("product_switched_on", "Oat milk", 1), "Oat milk switched on"),
        (("product_switched_off", "Oat milk", 1), "Oat milk switched off"),
        (("product_deleted", "Oat milk", 1), "Oat milk deleted"),
        (("product_moved", "Oat milk", 1), "Oat milk moved between shops"),
        (("asked", "", 1), "Everything trained afresh on request"),
        (("prepare", "", 1), "Training data prepared on request"),
        (("owed", "", 1), "Photos changed while nothing could train"),
        (("backbone_changed", "", 1), "The recogniser's backbone was changed"),
        (("changed_meanwhile", "", 1), "Photos changed during the last run"),
    ],
)
def test_each_change_has_its_words(change, expected):
    assert words(change) == expected


def test_first_changes_are_named_and_the_rest_is_counted():
    changes = [("photo_added", name, 1) for name in "ABCDE"]
    assert words(*changes[:3]).endswith("1 photo added to C")
    assert words(*changes[:4]).endswith("1 photo added to C; and 1 more change")
    assert words(*changes).endswith("1 photo added to C; and 2 more changes")


def test_changes_that_were_not_kept_by_name_are_counted_too():
    changes = [("photo_added", name, 1) for name in "ABCD"]
    assert words(*changes, ("other", "", 15)).endswith("; and 16 more changes")


def test_run_without_a_known_trigger_says_so():
    assert words() == "Unknown"
