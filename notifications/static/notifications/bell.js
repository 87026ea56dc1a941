// The bell in the admin's header: how many notifications are unread, and the latest of them.
// Without this script it is a link to the list.

import { send } from "./socket.js";
import { showToast } from "./toasts.js";
import { inWords } from "../ml_training/time.js";

function ask(message) {
  if (send(message)) return;
  showToast({ level: "error", title: "The server does not answer", message: "Nothing was marked read. Try again in a moment." });
}

export class Bell {
  constructor(element) {
    this.element = element;
    this.button = element.querySelector(".bell-button");
    this.count = element.querySelector("[data-unread]");
    this.words = element.querySelector("[data-unread-words]");
    this.list = this.makeList();
    this.button.addEventListener("click", (event) => { event.preventDefault(); this.toggle(); });
    this.button.addEventListener("keydown", (event) => {
      if (event.key === " ") { event.preventDefault(); this.toggle(); }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.list.hidden) { this.toggle(false); this.button.focus(); }
    });
    document.addEventListener("click", (event) => {
      if (!this.element.contains(event.target)) this.toggle(false);
    });
  }

  makeList() {
    const list = document.createElement("div");
    list.className = "bell-list";
    list.id = "bell-list";
    list.hidden = true;
    this.element.append(list);
    return list;
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
    const head = document.createElement("div");
    head.className = "bell-head";
    const heading = document.createElement("strong");
    heading.textContent = "Notifications";
    const all = document.createElement("button");
    all.type = "button";
    all.textContent = "Mark all read";
    all.dataset.markAllRead = "";
    all.disabled = notifications.every((item) => item.read);
    all.addEventListener("click", () => ask({ type: "read_all" }));
    head.append(heading, all);
    const items = document.createElement("ul");
    items.append(...notifications.map((item) => this.entry(item)));
    const empty = document.createElement("p");
    empty.textContent = "Nothing yet.";
    const hadFocus = this.list.contains(document.activeElement);
    this.list.replaceChildren(head, notifications.length ? items : empty);
    if (hadFocus) (this.list.querySelector("button:enabled") ?? this.list.querySelector("a") ?? this.button).focus();
  }

  add(notification) {
    this.show([notification, ...(this.notifications ?? []).filter((item) => item.id !== notification.id)].slice(0, 20));
  }

  entry(item) {
    const entry = document.createElement("li");
    entry.dataset.level = item.level;
    entry.dataset.read = item.read;
    const link = document.createElement("a");
    link.href = item.link;
    link.textContent = item.title;
    link.addEventListener("click", () => send({ type: "read", id: item.id }));
    const text = document.createElement("p");
    text.textContent = item.message;
    const when = document.createElement("time");
    when.dateTime = item.created_at;
    when.title = new Date(item.created_at).toLocaleString();
    when.textContent = inWords(item.created_at);
    entry.append(link, text, when);
    if (!item.read) {
      const read = document.createElement("button");
      read.type = "button";
      read.textContent = "Mark read";
      read.addEventListener("click", (event) => { event.stopPropagation(); ask({ type: "read", id: item.id }); });
      entry.append(read);
    }
    return entry;
  }
}
