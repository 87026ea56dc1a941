// Toasts: short messages that appear on completion and failure, on every page of the admin.

import { element } from "../api/elements.js";

const SHOWN_FOR = { success: 8000, warning: 30000, error: 30000 }; // milliseconds

let region = null;

function toastRegion() {
  if (region) return region;
  region = element("div", { class: "toasts", role: "region", "aria-label": "Messages", "aria-live": "polite" });
  document.body.append(region);
  return region;
}

export function showToast({ level, title, message, link }) {
  const heading = link ? element("a", { href: link }, title) : element("strong", {}, title);
  heading.className = "toast-title";
  const words = element("div", {}, heading, element("p", {}, message));
  const close = element("button", { type: "button", class: "toast-close", "aria-label": "Close this message" }, "×");
  const role = level === "error" || level === "warning" ? "alert" : "status";
  const toast = element("div", { class: "toast", "data-toast": level, role }, words, close);
  close.addEventListener("click", () => toast.remove());
  toastRegion().append(toast);
  let timer = setTimeout(() => toast.remove(), SHOWN_FOR[level] ?? SHOWN_FOR.success);
  toast.addEventListener("mouseenter", () => clearTimeout(timer));
  toast.addEventListener("mouseleave", () => { timer = setTimeout(() => toast.remove(), 3000); });
  return toast;
}
