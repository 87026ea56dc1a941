// One websocket for the whole admin page: it reconnects by itself and tells the page what it hears.
//
// Every message becomes an event on `document`: shelfsight:snapshot, :status, :progress, :notification, :read.
// shelfsight:live says whether pushes come through; where they do not, pages ask again by themselves.
// shelfsight:refused says that this person is logged out or may not see training any more.
// What a page's own script asks for comes as shelfsight:ask, with the message to send.

const FIRST_WAIT = 500; // milliseconds, doubled with each failed try
const LONGEST_WAIT = 15000;
const REFUSED = 4403;

let socket = null;
let wait = FIRST_WAIT;
let live = null;

const announce = (name, detail) => document.dispatchEvent(new CustomEvent(`shelfsight:${name}`, { detail }));

function setLive(value) {
  if (live === value) return;
  live = value;
  announce("live", { live });
}

function hear(event) {
  const message = JSON.parse(event.data);
  if (message.type === "snapshot") wait = FIRST_WAIT;
  if ("live" in message) setLive(message.live);
  announce(message.type, message);
}

export function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws/notifications/`);
  socket.addEventListener("message", hear);
  socket.addEventListener("close", (event) => {
    setLive(false);
    if (event.code === REFUSED) { announce("refused"); return; } // asking again would change nothing
    setTimeout(connect, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
}

export function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

// A tab that slept may have missed pushes, or hold a connection that died without a word.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) send({ type: "snapshot" });
});

document.addEventListener("shelfsight:ask", ({ detail }) => send(detail));
