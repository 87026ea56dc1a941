// The bell in the admin's header: how many notifications are unread, and the latest of them.
// Without this script it is a link to the list.

import { element } from "../api/elements.js";
import { send } from "./socket.js";
import { showToast } from "./toasts.js";
import { inWords } from "../ml_training/time.js";

function ask(message) {
  if (send(message)) return;
  showToast({ level: "error", title: "The server does not answer", message: "Nothing was marked read. Try again in a moment." });
}

export class Bell {
  constructor(bell) {
    this.button = bell.querySelector(".bell-button");
    this.count = bell.querySelector("[data-unread]");
    this.words = bell.querySelector("[data-unread-words]");
    this.list = element("div", { class: "bell-list", id: "bell-list", hidden: "" });
    bell.append(this.list);
    this.button.addEventListener("click", (event) => { event.preventDefault(); this.toggle(); });
    this.button.addEventListener("keydown", (event) => {
      if (event.key === " ") { event.preventDefault(); this.toggle(); }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.list.hidden) { this.toggle(false); this.button.focus(); }
    });
    document.addEventListener("click", (event) => {
      if (!bell.contains(event.target)) this.toggle(false);
    });
  }

  toggle(open = this.list.hidden) {
    this.list.hidden = !open;
    if (open) this.list.querySelectorAll("time").forEach((item) => { item.textContent = inWords(item.dateTime); });
    this.button.setAttribute("aria-expanded", String(open));
  }

  setUnread(unread) {
    this.count.textContent = unread > 99 ? "99+" : String(unread);
    this.count.dataset.unread = unread;
    this.count.hidden = unread === 0;
    this.words.textContent = unread === 1 ? "1 unread" : `${unread} unread`;
  }

  show(notifications) {
    this.notifications = notifications;
    const all = element("button", { type: "button", "data-mark-all-read": "" }, "Mark all read");
    all.disabled = notifications.every((item) => item.read);
    all.addEventListener("click", () => ask({ type: "read_all" }));
    const head = element("div", { class: "bell-head" }, element("strong", {}, "Notifications"), all);
    const items = element("ul", {}, ...notifications.map((item) => this.entry(item)));
    const hadFocus = this.list.contains(document.activeElement);
    this.list.replaceChildren(head, notifications.length ? items : element("p", {}, "Nothing yet."));
    if (hadFocus) (this.list.querySelector("button:enabled") ?? this.list.querySelector("a") ?? this.button).focus();
  }

  add(notification) {
    this.show([notification, ...(this.notifications ?? []).filter((item) => item.id !== notification.id)].slice(0, 20));
  }

  entry(item) {
    const link = element("a", { href: item.link }, item.title);
    link.addEventListener("click", () => send({ type: "read", id: item.id }));
    const told = { datetime: item.created_at, title: new Date(item.created_at).toLocaleString() };
    const when = element("time", told, inWords(item.created_at));
    const shown = { "data-level": item.level, "data-read": item.read };
    const entry = element("li", shown, link, element("p", {}, item.message), when);
    if (!item.read) {
      const read = element("button", { type: "button" }, "Mark read");
      read.addEventListener("click", (event) => { event.stopPropagation(); ask({ type: "read", id: item.id }); });
      entry.append(read);
    }
    return entry;
  }
}
