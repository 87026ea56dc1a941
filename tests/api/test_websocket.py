"""mlStatus over a websocket: the protocol graphql-transport-ws, word by word and with a client of others."""

import json
import shutil
import subprocess
from unittest.mock import AsyncMock

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client
from uvicorn.protocols.utils import ClientDisconnected
from websockets.exceptions import InvalidStatus

from api import websocket as graphql_socket
from api.sockets import Socket
from catalog.models import Shop
from catalog.tokens import ApiToken
from tests.factories import bearer, make_shop, make_staff
from tests.support.api import PATIENCE
from tests.support.talk import MLSTATUS, Talk, mutate, subscribe

ROOT = settings.BASE_DIR


@pytest.fixture
def shop(transactional_db) -> Shop:
    return Shop.default()


@pytest.fixture
def token(shop) -> str:
    return bearer(shop, "read", "train")


async def test_subscriber_gets_a_snapshot_and_then_what_happens(server, token):
    async with Talk(server.socket_url) as talk:
        assert talk.socket.subprotocol == "graphql-transport-ws"
        await talk.begin(token)
        await talk.say(subscribe("a"))
        first = await talk.hear()
        assert (first["type"], first["id"]) == ("next", "a")
        assert first["payload"]["data"]["mlStatus"]["kind"] == "SNAPSHOT"
        assert first["payload"]["data"]["mlStatus"]["mlTrainingInfo"] == {"status": "IDLE", "version": None}
        answer = await mutate(server, token, "mutation { extractPhotosForTraining { run { status } } }")
        assert answer["data"]["extractPhotosForTraining"]["run"]["status"] == "QUEUED"
        update = (await talk.hear())["payload"]["data"]["mlStatus"]
        assert (update["kind"], update["mlTrainingInfo"]["status"]) == ("QUEUED", "QUEUED")


async def test_several_operations_run_at_once_and_end_both_ways(server, token):
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(subscribe("a"), subscribe("b"), subscribe("q", "{ shops { totalCount } }"))
        heard = [await talk.hear() for _ in range(4)]
        assert {(m["type"], m["id"]) for m in heard} == {
            ("next", "a"),
            ("next", "b"),
            ("next", "q"),
            ("complete", "q"),
        }
        await talk.say({"type": "complete", "id": "a"}, {"type": "ping"})
        assert await talk.hear() == {"type": "pong"}
        await mutate(server, token, "mutation { extractPhotosForTraining { run { status } } }")
        assert (await talk.hear())["id"] == "b", "a was ended"
        await talk.say(subscribe("a"))  # its id may be used again
        assert (await talk.hear())["id"] == "a"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nonsense }", "BAD_INPUT"),
        ("subscription {", "BAD_INPUT"),
        ("subscription { mlStatus @skip(if: true) { kind } }", "BAD_INPUT"),
        ("subscription { ... @include(if: false) { mlStatus { kind } } }", "BAD_INPUT"),
        (
            "subscription { ...F } fragment F on Subscription { mlStatus @skip(if: true) { kind } }",
            "BAD_INPUT",
        ),
        ('subscription { mlStatus(shopId: "999") { kind } }', "NOT_FOUND"),
        ("{ unreadNotificationCount }", "FORBIDDEN"),
        ("{ " + "shops { " * 13 + "id" + " }" * 14, "TOO_COMPLEX"),
    ],
)
async def test_operation_that_is_refused_ends_alone(server, token, query, code):
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(subscribe("x", query))
        heard = await talk.hear()
        errors = heard["payload"] if heard["type"] == "error" else heard["payload"]["errors"]
        assert errors[0]["extensions"]["code"] == code
        await talk.say({"type": "ping", "payload": {"still": "here"}})
        assert {"type": "pong"} in [await talk.hear() for _ in range(1 + (heard["type"] == "next"))]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["no json"], 4400),
        ([b"\x00\x01"], 4400),
        (["[]"], 4400),
        (["[" * 10_000], 4400),
        ([{"type": "dance"}], 4400),
        ([{"type": {}}], 4400),
        ([{"type": []}], 4400),
        ([{"type": "subscribe", "payload": {"query": "{ a }"}}], 4400),
        ([{"type": "complete"}], 4400),
        ([subscribe("a")], 4401),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": {"Authorization": "Bearer shs_wrong"}}], 4403),
        ([{"type": "connection_init", "payload": {"Authorization": "Bearer shs_\ud800"}}], 4403),
    ],
)
async def test_wrong_word_closes_the_socket_with_the_code_of_the_protocol(server, messages, code):
    async with Talk(server.socket_url) as talk:
        await talk.say(*messages)
        assert await talk.close_code() == code


@pytest.mark.parametrize("id", ["a", "\N{SLEEPING SYMBOL}" * 60, "\ud800" * 60], ids=["a", "long", "odd"])
async def test_second_init_and_second_operation_of_an_id_close_the_socket(server, token, id):
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say({"type": "connection_init"})
        assert await talk.close_code() == 4429
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(subscribe(id), subscribe(id))
        assert await talk.close_code() == 4409


@pytest.mark.parametrize("error", [ClientDisconnected(), RuntimeError("closed")])
async def test_connection_that_is_lost_meanwhile_is_no_fault(error):
    socket = Socket()
    socket.base_send = AsyncMock(side_effect=error)
    await socket.send_json({})
    socket.is_closed = False
    await socket.close(4408, "Connection initialisation timeout")


async def test_silence_and_another_protocol_close_the_socket(server, monkeypatch):
    monkeypatch.setattr(graphql_socket, "INIT_SECONDS", 0.2)
    async with Talk(server.socket_url) as talk:
        assert await talk.close_code() == 4408
    async with Talk(server.socket_url, subprotocols=["graphql-ws"]) as talk:
        assert await talk.close_code() == 4406


async def test_more_operations_than_are_taken_are_refused(server, token):
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(*(subscribe(str(n)) for n in range(21)))
        heard = [await talk.hear() for _ in range(21)]
        (refused,) = [message for message in heard if message["type"] == "error"]
        assert refused["payload"][0]["extensions"]["code"] == "TOO_COMPLEX"


async def test_revoked_token_loses_its_socket(server, token, monkeypatch):
    monkeypatch.setattr(graphql_socket, "CHECK_SECONDS", 0.2)
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(subscribe("a"))
        await talk.hear()
        await _revoke(token)
        assert await talk.close_code() == 4403


async def _revoke(token: str):
    await database_sync_to_async(lambda: ApiToken.find(token).revoke())()


def session_cookie(user) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


async def _session_of_staff(shop) -> str:
    return await database_sync_to_async(lambda: session_cookie(make_staff("anna", shop)))()


async def test_session_counts_for_pages_of_this_site_only(server, shop):
    cookie = {"Cookie": await _session_of_staff(shop)}
    own = f"http://127.0.0.1:{server.port}"
    async with Talk(server.socket_url, additional_headers=cookie, origin=own) as talk:
        await talk.say({"type": "connection_init"})
        assert await talk.hear() == {"type": "connection_ack"}
        await talk.say(subscribe("a"))
        assert (await talk.hear())["type"] == "next"
    async with Talk(server.socket_url, additional_headers=cookie) as talk:
        await talk.say({"type": "connection_init"})
        assert await talk.close_code() == 4403, "who names no origin shows a token"
    with pytest.raises(InvalidStatus):
        async with Talk(server.socket_url, additional_headers=cookie, origin="http://evil.example"):
            pass


async def test_token_hears_of_its_own_shop_only(server, token):
    other = await database_sync_to_async(make_shop)("other")
    stranger = await database_sync_to_async(bearer)(other, "read", "train")
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(subscribe("a"))
        await talk.hear()
        await mutate(server, stranger, "mutation { extractPhotosForTraining { run { status } } }")
        await mutate(server, token, "mutation { clearMlModel { changed } }")
        await mutate(server, token, "mutation { extractPhotosForTraining { run { status } } }")
        assert (await talk.hear())["payload"]["data"]["mlStatus"]["kind"] == "QUEUED"
        await talk.say({"type": "ping"})
        assert await talk.hear() == {"type": "pong"}, "one update, for one's own shop"


CLIENT = """
import { createClient } from "%(client)s";
const client = createClient({ url: "%(url)s", retryAttempts: 0,
  connectionParams: { Authorization: "Bearer %(token)s" } });
const kinds = [];
const updates = client.iterate({ query: "%(query)s" });
for await (const update of updates) {
  kinds.push(update.data.mlStatus.kind);
  if (kinds.length === 1) await fetch("%(http)s", { method: "POST",
    headers: { "Content-Type": "application/json", Authorization: "Bearer %(token)s" },
    body: JSON.stringify({ query: "mutation { extractPhotosForTraining { run { status } } }" }) });
  else break;
}
for await (const answer of client.iterate({ query: "{ shops { totalCount } }" }))
  kinds.push(answer.data.shops.totalCount);
console.log(JSON.stringify(kinds));
await client.dispose();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_client_of_others_speaks_with_the_server(server, token, tmp_path):
    """graphql-ws, the reference client of the protocol."""
    vendor = ROOT / "api" / "static" / "vendor" / "graphql-ws"
    shutil.copytree(vendor, tmp_path / "graphql-ws")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    words = {"client": "./graphql-ws/client.js", "url": server.socket_url, "http": server.url}
    (tmp_path / "try.js").write_text(CLIENT % {**words, "token": token, "query": MLSTATUS})
    command = ["node", "--experimental-websocket", "try.js"]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == ["SNAPSHOT", "QUEUED", 1]
