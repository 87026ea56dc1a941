// Starts what every admin page has: the socket, the bell, the toasts.

import { Bell } from "./bell.js";
import { connect } from "./socket.js";
import { showToast } from "./toasts.js";

const TOASTED = new Set(["success", "error"]);
let newest = null; // id of the newest notification this page knows of

function learn(notifications) {
  const known = newest;
  newest = Math.max(newest ?? 0, ...notifications.map((item) => item.id));
  if (known === null) return; // the first snapshot: what is in it happened before this page
  const missed = notifications.filter((item) => item.id > known && TOASTED.has(item.level));
  missed.reverse().forEach(showToast);
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
  connect();
}
