"""Operations of one caller hold up neither the news of others nor their operations."""

import asyncio
import threading

import pytest

from api import execution, pools
from api.errors import ApiError
from catalog.models import Shop
from tests.factories import bearer, make_shop
from tests.support.api import PATIENCE, ask, code
from tests.support.talk import Talk, subscribe


async def test_one_caller_fills_neither_pool():
    held, entered = threading.Event(), threading.Semaphore(0)

    def hold():
        entered.release()
        assert held.wait(PATIENCE)

    busy = [asyncio.create_task(pools.operate("greedy", hold)) for _ in range(20)]
    try:
        for _ in range(pools.OPERATIONS_OF_ONE):
            assert await asyncio.to_thread(entered.acquire, True, PATIENCE)
        assert await pools.operate("modest", lambda: "an answer") == "an answer"
        assert await pools.news.run(lambda: "news") == "news"
        assert not entered.acquire(blocking=False), "no third one of the same caller runs"
    finally:
        held.set()
        await asyncio.gather(*busy)


async def test_budget_is_used_up_and_comes_back(monkeypatch):
    monkeypatch.setattr(pools, "budget", pools.Budget(0.05, 100))

    def work():
        while pools.budget.left("a") > 0 and not done:
            done.append(sum(range(3_000_000)))

    done: list[int] = []
    await pools.operate("a", work)
    monkeypatch.setattr(pools.budget, "a_second", 0.001)
    pools.budget.spend("a", 1)
    with pytest.raises(ApiError) as refused:
        await pools.operate("a", work)
    assert refused.value.code == "TOO_MANY"
    assert await pools.operate("b", lambda: 1) == 1, "each caller has its own"
    monkeypatch.setattr(pools.budget, "a_second", 1000)
    await asyncio.sleep(0.01)
    assert await pools.operate("a", lambda: 1) == 1


def test_budget_remembers_only_so_many_callers(monkeypatch):
    monkeypatch.setattr(pools, "MAX_CALLERS", 3)
    budget = pools.Budget(1, 0)
    for number in range(10):
        budget.spend(str(number), 0.5)
    assert [budget.left(str(number)) for number in range(6, 10)] == [1, 0.5, 0.5, 0.5]


async def test_caller_without_budget_is_told_so_on_its_socket(server, transactional_db, monkeypatch):
    token = await pools.news.run(lambda: bearer(Shop.default(), "read"))
    monkeypatch.setattr(pools, "budget", pools.Budget(1e-9, 1e-9))
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(subscribe("a", "{ shops { totalCount } }"))
        heard = await talk.hear()
        await talk.say(subscribe("b", "{ shops { totalCount } }"))
        heard = heard if heard["type"] == "error" else await talk.hear()
        assert heard["payload"][0]["extensions"]["code"] == "TOO_MANY"


@pytest.mark.django_db
def test_query_that_takes_too_long_is_broken_off(monkeypatch):
    shop = make_shop("large", 5, 1)
    token = bearer(shop, "read")
    query = "{ products(first: 100) { edges { node { name sku } } } }"
    assert "errors" not in ask(query, token=token)
    monkeypatch.setattr(execution, "SECONDS", -1)
    answer = ask(query, token=token)
    assert (answer["data"], len(answer["errors"]), code(answer)) == (None, 1, "TOO_COMPLEX")
    mutation = "mutation { extractPhotosForTraining { run { status } } }"
    assert "errors" not in ask(mutation, token=bearer(shop, "train")), "what was done is answered"
