// Toasts: short messages that appear on completion and failure, on every page of the admin.

const SHOWN_FOR = { success: 8000, warning: 30000, error: 30000 }; // milliseconds

let region = null;

function toastRegion() {
  if (region) return region;
  region = document.createElement("div");
  region.className = "toasts";
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", "Messages");
  region.setAttribute("aria-live", "polite");
  document.body.append(region);
  return region;
}

export function showToast({ level, title, message, link }) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.toast = level;
  toast.setAttribute("role", level === "error" || level === "warning" ? "alert" : "status");

  const words = document.createElement("div");
  const heading = document.createElement(link ? "a" : "strong");
  if (link) heading.href = link;
  heading.className = "toast-title";
  heading.textContent = title;
  const text = document.createElement("p");
  text.textContent = message;
  words.append(heading, text);

  const close = document.createElement("button");
  close.type = "button";
  close.className = "toast-close";
  close.setAttribute("aria-label", "Close this message");
  close.textContent = "×";
  close.addEventListener("click", () => toast.remove());

  toast.append(words, close);
  toastRegion().append(toast);
  let timer = setTimeout(() => toast.remove(), SHOWN_FOR[level] ?? SHOWN_FOR.success);
  toast.addEventListener("mouseenter", () => clearTimeout(timer));
  toast.addEventListener("mouseleave", () => { timer = setTimeout(() => toast.remove(), 3000); });
  return toast;
}
