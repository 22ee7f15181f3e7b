// What is live on a page: the bell, toasts, lists that grow, and times that pass.
// Everything works without this file, by reloading.

import { listen } from "./stream.js";

const REFRESH_MS = 1_000;
const TOAST_MS = 12_000;
const TOASTS_AT_ONCE = 3;

const bell = document.getElementById("bell");
const panel = document.getElementById("panel");
const toasts = document.getElementById("toasts");
const plainTitle = document.title.replace(/^\(\d+\) /, "");

let told = [];
let unread = Number(document.getElementById("unread-number").textContent);

// --- what the stream says ---

listen(Number(document.body.dataset.after), document.body.dataset.seen, (kind, data) => {
  switch (kind) {
    case "connected":
      // What changed meanwhile without a notification is not told again.
      if (data && bell.classList.contains("bell-offline")) {
        refreshPanel();
        refreshSoon();
      }
      bell.classList.toggle("bell-offline", !data);
      bell.dataset.connected = data ? "yes" : "no";
      break;
    case "notification":
      told.push(data);
      break;
    case "unread":
      // Said on each connection, after each batch of notifications, and when some were read.
      if (told.length || data.unread !== unread) showNews(data.unread);
      break;
    case "incidents":
      refreshSoon();
  }
});

addEventListener("pageshow", (event) => {
  // A page that the browser had kept: it is as old as that, and listens no more.
  if (event.persisted) location.reload();
});

// --- the bell ---

function showNews(count) {
  unread = count;
  document.getElementById("unread").hidden = count === 0;
  document.getElementById("unread-number").textContent = count;
  document.title = count ? `(${count}) ${plainTitle}` : plainTitle;
  showToasts(told);
  told = [];
  refreshPanel();
  refreshSoon();
}

async function refreshPanel() {
  const html = await read("/notifications/panel");
  if (html !== null) panel.innerHTML = html;
}

// Nothing while the server is away: the stream says when it is back, and all is read again then.
async function read(address) {
  try {
    const response = await fetch(address);
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

function showToasts(notifications) {
  if (notifications.length > TOASTS_AT_ONCE) {
    showToast(`${notifications.length} new notifications`, "", "/notifications");
  } else {
    for (const each of notifications) {
      if (each.incident_id === null) {
        showToast(each.words, each.title, "/troubles", each.id);
        continue;
      }
      const where = `${each.service} / ${each.environment}`;
      const about = each.change === "ended" ? where : `${each.severity}, ${where}`;
      showToast(`${each.words} · ${about}`, each.title, `/incidents/${each.incident_id}`, each.id);
    }
  }
}

function showToast(head, text, address, notification) {
  const toast = document.createElement("div");
  toast.className = "toast";
  const link = document.createElement("a");
  link.href = address;
  if (notification) link.dataset.notification = notification;
  const strong = document.createElement("strong");
  strong.textContent = head;
  const title = document.createElement("span");
  title.textContent = text;
  link.append(strong, title);
  const close = document.createElement("button");
  close.className = "quiet";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => toast.remove());
  toast.append(link, close);
  toasts.append(toast);
  while (toasts.childElementCount > TOASTS_AT_ONCE) toasts.firstElementChild.remove();
  setTimeout(() => toast.remove(), TOAST_MS);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-notification]");
  if (link) {
    const address = `/api/notifications/${link.dataset.notification}/read`;
    // Where the server is away, the page that was asked for says so.
    fetch(address, { method: "POST", keepalive: true }).catch(() => {});
  }
  for (const open of opened()) {
    if (!open.contains(event.target)) open.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of opened()) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// What lies over the page while it is open: the bell's panel, and the menus of an incident.
function opened() {
  return document.querySelectorAll("#bell[open], .menu[open]");
}

// Forms that need no new page: the stream says what they changed.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-quiet]")) return;
  event.preventDefault();
  fetch(event.target.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(event.target)),
    redirect: "manual",
  }).catch(() => event.target.submit());
});

// --- what is shown, read again ---

let refreshing = false;
let stale = false;

async function refreshSoon() {
  stale = true;
  if (refreshing || document.hidden) return;
  refreshing = true;
  while (stale && !document.hidden) {
    stale = false;
    await refresh();
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
  refreshing = false;
}

async function refresh() {
  const html = await read(location.href);
  if (html === null) return;
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && !isSelectedIn(old) && !isTypedIn(old)) replace(old, fresh);
  }
}

// Nobody who copies a line should lose it on the way.
function isSelectedIn(element) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}

// Nor who writes a reason; what is new comes with the next news.
function isTypedIn(element) {
  const fields = [...element.querySelectorAll("input, select")];
  return fields.some(
    (field) =>
      field === document.activeElement ||
      (field.defaultValue !== undefined && field.value !== field.defaultValue),
  );
}

function replace(old, fresh) {
  showTimes(fresh);
  for (const details of old.querySelectorAll("details[id]")) {
    const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
    if (same) same.open = details.open;
  }
  if (old.isEqualNode(fresh)) return;
  const focused = old.contains(document.activeElement) && document.activeElement;
  old.replaceWith(fresh);
  if (focused?.href) {
    [...fresh.querySelectorAll("a")].find((link) => link.href === focused.href)?.focus();
  }
}

// --- times ---

function ago(moment) {
  const seconds = Math.floor((Date.now() - moment) / 1000);
  for (const [size, unit] of [[86_400, "d"], [3_600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
  return "just now";
}

const DAY = { day: "numeric", month: "short" };
const MINUTES = { hour: "2-digit", minute: "2-digit" };
const SECONDS = { ...MINUTES, second: "2-digit" };
// What the server writes in UTC, in the zone of whoever reads it; its title stays in UTC.
const FORMS = {
  full: { ...DAY, year: "numeric", ...SECONDS },
  day: { ...DAY, ...MINUTES },
  minutes: MINUTES,
  seconds: SECONDS,
};

function showTimes(root) {
  for (const time of root.querySelectorAll("time[data-ago]")) {
    const text = ago(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
  for (const time of root.querySelectorAll("time[data-form]")) {
    time.textContent = new Date(time.dateTime).toLocaleString("en-GB", FORMS[time.dataset.form]);
    delete time.dataset.form;
  }
}

showTimes(document);
setInterval(() => showTimes(document), 20_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    showTimes(document);
    if (stale) refreshSoon();
  }
});

// --- addresses to copy: only a page that came safely may write to the clipboard ---

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const address = document.getElementById(button.dataset.copy).value;
      navigator.clipboard.writeText(address).then(() => {
        button.textContent = "Copied";
      }, () => {});
    });
  }
}
