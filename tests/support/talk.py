"""Speaks graphql-transport-ws word by word, to try what a good client never says."""

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support.api import PATIENCE, Server

MLSTATUS = "subscription { mlStatus { kind message mlTrainingInfo { status version } } }"


class Talk:
    """A socket spoken to word by word."""

    def __init__(self, url: str, **options):
        self.connection = connect(
            url, subprotocols=options.pop("subprotocols", ["graphql-transport-ws"]), **options
        )

    async def __aenter__(self):
        self.socket = await self.connection.__aenter__()
        return self

    async def __aexit__(self, *exc_info):
        await self.connection.__aexit__(*exc_info)

    async def say(self, *messages):
        for message in messages:
            await self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> dict:
        return json.loads(await soon(self.socket.recv()))

    async def begin(self, token: str):
        await self.say({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        assert await self.hear() == {"type": "connection_ack"}

    async def close_code(self) -> int:
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await soon(self.socket.recv())
        return closed.value.rcvd.code


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


def subscribe(id: str, query: str = MLSTATUS, **payload) -> dict:
    return {"type": "subscribe", "id": id, "payload": {"query": query, **payload}}


async def mutate(server: Server, token: str, query: str) -> dict:
    async with httpx.AsyncClient() as client:
        headers = {"Authorization": f"Bearer {token}"}
        return (await client.post(server.url, json={"query": query}, headers=headers)).json()
