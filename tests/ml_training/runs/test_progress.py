"""How far a run is: told often enough to watch, and seldom enough to cost nothing."""

import pytest
from django.db import OperationalError, connection

from ml_training.events import ml_status_changed
from ml_training.models import TrainingRun
from ml_training.runs.heartbeat import Heartbeat
from ml_training.runs.lifecycle import Phase, RunLost
from ml_training.runs.progress import MAX_PUSHES, PUSH_SECONDS, WRITE_SECONDS, Progress
from tests.support.training import claimed, last_run

PHASES = [Phase.PREPARING, Phase.EMBEDDING, Phase.FITTING, Phase.EVALUATING, Phase.PUBLISHING]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(shop):
    return claimed(shop)


@pytest.fixture
def progress(run):
    return Progress(run, Heartbeat(run))


class Clock:
    """Time that passes when a test says so."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("ml_training.runs.progress.time", clock)
    return clock


@pytest.fixture
def moments(clock):
    """When progress was pushed, in seconds."""
    pushed = []

    def receive(event, **kwargs):
        if event.kind == "progress":
            pushed.append(clock.now)

    ml_status_changed.connect(receive)
    yield pushed
    ml_status_changed.disconnect(receive)


def failing(execute, sql, params, many, context):
    raise OperationalError("database is locked")


def test_database_that_does_not_answer_ends_no_run(progress, clock):
    progress.enter(Phase.EMBEDDING)
    with connection.execute_wrapper(failing):
        clock.now += 10
        progress.within(0.5)
        progress.enter(Phase.FITTING)
    clock.now += 10
    progress.within(0.5)
    row = TrainingRun.objects.get()
    assert (row.phase, row.progress) == (Phase.FITTING, progress.run.progress)


def told(events):
    return [event for event in events if event.kind == "progress"]


def test_every_phase_is_written_as_it_begins(progress, shop):
    before = -1.0
    for phase in PHASES:
        progress.enter(phase)
        stored = last_run(shop)
        assert stored.phase == phase
        assert before < stored.progress < 1
        before = stored.progress


def test_phase_is_told_in_words_with_the_step_and_the_share(progress, events):
    progress.enter(Phase.EMBEDDING)
    (event,) = told(events)
    assert event.phase == "Looking at the photos"
    assert (event.step, event.message) == (1, "")
    assert 0 < event.progress < 0.1
    assert type(event.phase) is str  # it goes over the wire


def test_bar_moves_through_a_phase_to_where_the_next_begins(progress):
    progress.enter(Phase.EMBEDDING)
    start, shares = progress.run.progress, []
    for step in range(11):
        progress.within(step / 10)
        shares.append(progress.run.progress)
    assert shares[0] == start
    assert shares == sorted(set(shares))
    progress.enter(Phase.FITTING)
    assert progress.run.progress == pytest.approx(shares[-1])


def test_no_second_has_more_than_four_pushes_however_much_happens(clock, moments, run):
    progress = Progress(run, Heartbeat(run))
    for phase in PHASES:
        progress.enter(phase)
        clock.now += 0.01
    progress.enter(Phase.EMBEDDING)
    for share in range(300):
        clock.now += 0.01
        progress.within(share / 300)
    assert len(moments) > MAX_PUSHES
    for first, fifth in zip(moments, moments[MAX_PUSHES:], strict=False):
        assert fifth - first >= 0.999


def test_long_phase_is_told_of_a_few_times_and_written_less_often(clock, run, events, shop):
    progress = Progress(run, Heartbeat(run))
    progress.enter(Phase.EMBEDDING)
    written = set()
    for share in range(130):
        clock.now += 0.01
        progress.within(share / 130)
        written.add(last_run(shop).progress)
    assert len(told(events)) == 1 + int(1.3 / PUSH_SECONDS)
    assert len(written) == 1 + int(1.3 / WRITE_SECONDS)
    assert [event.step for event in told(events)] == list(range(1, len(told(events)) + 1))


def test_seconds_of_each_phase_are_kept(clock, run):
    progress = Progress(run, Heartbeat(run))
    progress.enter(Phase.PREPARING)
    clock.now += 0.25
    progress.enter(Phase.EMBEDDING)
    clock.now += 0.5
    progress.finish()
    assert progress.phases == {"preparing": 0.25, "embedding": 0.5}


def test_caller_hears_of_every_phase(run):
    seen = []
    progress = Progress(run, Heartbeat(run), lambda run: seen.append(run.phase))
    for phase in PHASES:
        progress.enter(phase)
    assert seen == PHASES


def test_progress_of_a_stolen_run_raises_and_writes_nothing(progress, shop, events):
    progress.enter(Phase.EMBEDDING)
    TrainingRun.objects.update(worker_token="of another worker")
    before = TrainingRun.objects.values().get()
    with pytest.raises(RunLost):
        progress.enter(Phase.FITTING)
    assert TrainingRun.objects.values().get() == before
    assert len(told(events)) == 1
