// What is live on a page: the bell, toasts, lists that grow, and times that pass.
// Everything works without this file, by reloading.

const RECONNECT_MS = 5_000;
const REFRESH_MS = 1_000;
const TOAST_MS = 12_000;
const TOASTS_AT_ONCE = 3;

const bell = document.getElementById("bell");
const panel = document.getElementById("panel");
const toasts = document.getElementById("toasts");
const plainTitle = document.title.replace(/^\(\d+\) /, "");

let position = document.body.dataset.after;
let told = [];
let stream;

// --- the stream ---

function listen() {
  stream = new EventSource(`/api/notifications/stream?after=${position}`);
  stream.addEventListener("open", () => bell.classList.remove("bell-offline"));
  stream.addEventListener("notification", (message) => {
    position = message.lastEventId;
    told.push(JSON.parse(message.data));
  });
  // Said after each batch of notifications, and whenever some were read.
  stream.addEventListener("unread", (message) => {
    position = message.lastEventId;
    showUnread(JSON.parse(message.data).unread);
    showToasts(told);
    told = [];
    refreshPanel();
    refreshSoon();
  });
  stream.addEventListener("incidents", refreshSoon);
  stream.addEventListener("error", () => {
    bell.classList.add("bell-offline");
    // A browser tries again by itself, but gives up where something else than a stream answers.
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, RECONNECT_MS);
  });
}

// A page that is left may be kept by the browser and shown again: its connection is not.
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// --- the bell ---

function showUnread(count) {
  document.getElementById("unread").hidden = count === 0;
  document.getElementById("unread-number").textContent = count;
  document.title = count ? `(${count}) ${plainTitle}` : plainTitle;
}

async function refreshPanel() {
  const response = await fetch("/notifications/panel");
  if (response.ok) panel.innerHTML = await response.text();
}

function showToasts(notifications) {
  if (notifications.length > TOASTS_AT_ONCE) {
    showToast(`${notifications.length} new notifications`, "", "/notifications");
  } else {
    for (const each of notifications) {
      const head = each.change === "opened" ? "New incident" : "An incident got worse";
      showToast(head, each.title, `/incidents/${each.incident_id}`, each.id);
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
  setTimeout(() => toast.remove(), TOAST_MS);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-notification]");
  if (link) {
    fetch(`/api/notifications/${link.dataset.notification}/read`, { method: "POST", keepalive: true });
  }
  if (!bell.contains(event.target)) bell.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && bell.open) {
    bell.open = false;
    bell.querySelector("summary").focus();
  }
});

// Forms that need no new page: the stream says what they changed.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-quiet]")) return;
  event.preventDefault();
  fetch(event.target.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(event.target)),
    redirect: "manual",
  });
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
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(old.id);
    if (fresh && !isSelectedIn(old)) replace(old, fresh);
  }
}

// Nobody who copies a line should lose it on the way.
function isSelectedIn(element) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}

function replace(old, fresh) {
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

function refreshTimes() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = ago(Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(refreshTimes, 20_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    refreshTimes();
    if (stale) refreshSoon();
  }
});

listen();
