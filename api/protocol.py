"""The messages and close codes of the websocket protocol `graphql-transport-ws`.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
"""

from api.strict_json import NotJson, read_json

PROTOCOL = "graphql-transport-ws"
# Close codes, as the protocol names them.
BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
NOT_ACCEPTABLE = 4406
INIT_TIMEOUT = 4408
DUPLICATE = 4409
TOO_MANY_INITS = 4429
COME_AGAIN = 1012  # RFC 6455's "service restart": clients connect anew, after a while
MAX_MESSAGE_LENGTH = 128 * 1024  # characters here, bytes where the web server limits messages


def read_message(text: str | None) -> dict | None:
    """A message of the protocol, or None for what is none."""
    try:
        message = read_json(text) if text and len(text) <= MAX_MESSAGE_LENGTH else None
    except NotJson:
        return None
    if not isinstance(message, dict):
        return None
    kind, id, payload = message.get("type"), message.get("id"), message.get("payload")
    if not isinstance(kind, str):
        return None
    if kind in {"connection_init", "ping", "pong"}:
        return message if isinstance(payload, dict | None) else None
    has_id = isinstance(id, str) and 0 < len(id) <= 100
    if kind == "complete":
        return message if has_id else None
    return message if kind == "subscribe" and has_id and isinstance(payload, dict) else None


def bearer_in(payload: dict | None) -> str:
    """The token in `{"Authorization": "Bearer shs_…"}`, whatever the name's case."""
    for name, value in (payload or {}).items():
        if name.lower() == "authorization" and isinstance(value, str):
            return value.removeprefix("Bearer ").removeprefix("bearer ").strip()
    return ""
