"""GraphQL over a websocket with the protocol `graphql-transport-ws`, for staff pages and bearer tokens.

Who asks is read by the class that the project gives as `access`.
Resolvers get a `SocketContext`; its `listen` gives what is sent to a group of the channel layer.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from graphql import ExecutionResult, GraphQLError, OperationType, subscribe

from api.callers import AccessReader, Context
from api.errors import INTERNAL, OUR_FAULT, TOO_COMPLEX, ApiError, public_error
from api.execution import GraphQLErrors, GraphQLRequest, prepare, response_of, run
from api.pools import news, operate, shares
from api.protocol import (
    BAD_REQUEST,
    COME_AGAIN,
    DUPLICATE,
    FORBIDDEN,
    INIT_TIMEOUT,
    NOT_ACCEPTABLE,
    PROTOCOL,
    TOO_MANY_INITS,
    UNAUTHORIZED,
    bearer_in,
    read_message,
)
from api.sockets import Socket

if TYPE_CHECKING:
    from graphql.execution import MapAsyncIterator

logger = logging.getLogger(__name__)
T = TypeVar("T")
INIT_SECONDS = 10
CHECK_SECONDS = 15  # between two looks at whether the caller may still be here
MAX_OPERATIONS = 20  # at once on one socket
SOCKETS_PER_CALLER = 20  # open at once with one token or session
MAX_QUEUE = 100  # messages a slow reader may be behind; the oldest go first
open_sockets: Counter[str] = Counter()  # of this process, by caller


@dataclass
class SocketContext(Context):
    """What resolvers get as `info.context` on a socket."""

    socket: "GraphQLSocket"

    @contextlib.asynccontextmanager
    async def listen(self, group: str):
        """Join a group of the channel layer, and give the queue that its messages come to."""
        queue: asyncio.Queue[dict] = asyncio.Queue(MAX_QUEUE)
        await self.socket.join(group, queue)
        try:
            yield queue
        finally:
            await self.socket.leave(group, queue)

    async def read(self, function: Callable[..., T], *args) -> T:
        """Ask the database something, among the few things at once that are asked for this caller."""
        async with shares.slot(self.socket.caller):
            return await news.run(function, *args)

    async def renew(self) -> None:
        """Read again who this is: rights can be taken while a socket is open."""
        self.access = await self.read(self.socket.read_access, self.access.bearer)


class GraphQLSocket(Socket):
    """One connection. `context` is None until the client is known."""

    def __init__(self, schema, access: type[AccessReader]):
        super().__init__()
        self.schema, self.access = schema, access
        self.context: SocketContext | None = None
        self.initialised = False
        self.caller = ""  # a hash of the token or of the session's key, once that is known to hold
        self.tasks: dict[str, asyncio.Task] = {}  # by the operation's id
        self.queues: dict[str, set[asyncio.Queue]] = {}  # by group

    async def connect(self):
        if PROTOCOL not in self.scope.get("subprotocols", []):
            await self.accept()
            await self.close(NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return
        await self.accept(PROTOCOL)
        self.watch = asyncio.create_task(self._expect_init())

    async def disconnect(self, code):
        if self.caller:
            open_sockets[self.caller] -= 1
            if not open_sockets[self.caller]:
                del open_sockets[self.caller]
        tasks = [*self.tasks.values(), *filter(None, [self.watch])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def dispatch(self, message):
        """Messages of the channel layer go to those who listen, everything else its usual way."""
        if message["type"].startswith("websocket."):
            await super().dispatch(message)
            return
        for queue in {queue for queues in self.queues.values() for queue in queues}:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        message = read_message(text_data)
        if message is None:
            await self.close(BAD_REQUEST, "Invalid message received")
            return
        kind = message["type"]
        if kind == "connection_init":
            await self._init(message.get("payload"))
        elif kind == "ping":
            await self._send("pong")
        elif kind == "subscribe":
            await self._subscribe(message["id"], message["payload"])
        elif kind == "complete" and (task := self.tasks.pop(message["id"], None)):
            task.cancel()

    # --- connection --------------------------------------------------------------------------------

    async def _expect_init(self):
        await asyncio.sleep(INIT_SECONDS)
        await self.close(INIT_TIMEOUT, "Connection initialisation timeout")

    async def _init(self, payload):
        if self.initialised:
            await self.close(TOO_MANY_INITS, "Too many initialisation requests")
            return
        self.initialised = True
        if self.watch is not None:
            self.watch.cancel()
        bearer = bearer_in(payload)
        access = await news.run(self.read_access, bearer)
        if not access.is_known:
            await self.close(FORBIDDEN, access.problem or "Forbidden")
            return
        if not self._count(bearer):
            await self.close(COME_AGAIN, "Too many connections; come again")
            return
        self.context = SocketContext(access, self)
        self.watch = asyncio.create_task(self._check_rights(self.context))
        await self._send("connection_ack")

    def read_access(self, bearer: str) -> AccessReader:
        """Read who this is: by the token that was sent, or else by the session."""
        return self.access.of_bearer(bearer) if bearer else self.access.of_user(self.read_user())

    def _count(self, bearer: str) -> bool:
        """Count this socket among its caller's; False if there are too many already."""
        shown = bearer or str(self.scope["session"].session_key)
        self.caller = hashlib.sha256(shown.encode()).hexdigest()
        if open_sockets[self.caller] >= SOCKETS_PER_CALLER:
            self.caller = ""
            return False
        open_sockets[self.caller] += 1
        return True

    async def _check_rights(self, context: SocketContext):
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await context.renew()
            if not context.access.is_known:
                await self.close(FORBIDDEN, context.access.problem or "Forbidden")
                return

    # --- operations --------------------------------------------------------------------------------

    async def _subscribe(self, id: str, payload):
        if self.context is None:
            await self.close(UNAUTHORIZED, "Unauthorized")
        elif id in self.tasks:
            await self.close(DUPLICATE, f"Subscriber for {id[:60]} already exists")
        elif len(self.tasks) >= MAX_OPERATIONS:
            error = ApiError(f"At most {MAX_OPERATIONS} operations run at once on a socket.", TOO_COMPLEX)
            await self._send("error", id=id, payload=[public_error(error)])
        else:
            self.tasks[id] = asyncio.create_task(self._operate(self.context, id, payload))

    async def _operate(self, context: SocketContext, id: str, payload):
        errors: list[dict] = []
        try:
            async with contextlib.aclosing(self._responses(context, payload)) as responses:
                async for response in responses:
                    await self._send("next", id=id, payload=response)
        except GraphQLErrors as refused:
            errors = refused.as_json()
        except GraphQLError as refused:  # no request, or a subscription that the caller may not see any more
            errors = [public_error(refused)]
        except Exception:
            logger.exception("An operation on a socket failed.")
            errors = [public_error(ApiError(OUR_FAULT, INTERNAL))]
        if self.tasks.pop(id, None):
            await (self._send("error", id=id, payload=errors) if errors else self._send("complete", id=id))

    async def _responses(self, context: SocketContext, payload) -> AsyncGenerator[dict, None]:
        request = GraphQLRequest.of(payload)
        await context.renew()
        prepared = await operate(self.caller, prepare, self.schema, request)
        if prepared.operation is not OperationType.SUBSCRIPTION:
            yield await operate(self.caller, run, self.schema, request, prepared, context)
            return
        results = await subscribe(
            self.schema.graphql_schema,
            prepared.document,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
        )
        if isinstance(results, ExecutionResult):
            raise GraphQLErrors(results.errors or [ApiError(OUR_FAULT, INTERNAL)])
        async with contextlib.aclosing(cast("MapAsyncIterator", results)) as open_results:
            async for result in open_results:
                yield response_of(result)

    async def _send(self, kind: str, **content):
        await self.send_json({"type": kind, **content})

    # --- channel layer -----------------------------------------------------------------------------

    async def join(self, group: str, queue: asyncio.Queue):
        self.queues.setdefault(group, set()).add(queue)
        await self.join_group(group)  # if that fails, `mlStatus` reads the row now and then all the same

    async def leave(self, group: str, queue: asyncio.Queue):
        self.queues[group].discard(queue)
        if not self.queues[group]:
            del self.queues[group]
            await self.leave_group(group)
