// Starts what every admin page has: the socket, the bell, the toasts.

import { Bell } from "./bell.js";
import { connect, send } from "./socket.js";
import { showToast } from "./toasts.js";

const TOASTED = new Set(["success", "warning", "error"]);
const POLL = 5000; // milliseconds between questions while pushes do not come through
const seen = new Set(); // ids of the notifications this page knows of; they may come in any order
let before = null; // id of the newest one that happened before this page

function learn(notifications) {
  const first = before === null;
  if (first) before = Math.max(0, ...notifications.map((item) => item.id));
  const missed = notifications.filter((item) => item.id > before && !seen.has(item.id) && TOASTED.has(item.level));
  for (const item of notifications) seen.add(item.id);
  missed.reverse().forEach(showToast);
}

function pollWhilePushesAreOff() {
  let live = true;
  document.addEventListener("shelfsight:live", ({ detail }) => { live = detail.live; });
  setInterval(() => { if (!live && !document.hidden) send({ type: "snapshot" }); }, POLL);
}

const element = document.querySelector("[data-bell]");
if (element) {
  const bell = new Bell(element);
  document.addEventListener("shelfsight:snapshot", ({ detail }) => {
    bell.setUnread(detail.unread);
    bell.show(detail.notifications);
    learn(detail.notifications);
  });
  document.addEventListener("shelfsight:notification", ({ detail }) => {
    bell.setUnread(detail.unread);
    bell.add(detail.notification);
    learn([detail.notification]);
  });
  document.addEventListener("shelfsight:read", ({ detail }) => {
    bell.setUnread(detail.unread);
    bell.show(detail.notifications);
  });
  pollWhilePushesAreOff();
  connect();
}
