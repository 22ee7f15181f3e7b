// One stream for all tabs of a browser, which allows no more than six connections to a server: the
// tab that holds the lock listens and tells the others. Where a browser has no locks (they need
// https or localhost), each tab listens for itself.
//
// Nothing is lost or doubled when tabs come and go: each knows the last message that it has seen,
// a tab that comes asks for what came since its page was made, and each drops what it knows.

const ADDRESS = "/api/notifications/stream";
const RECONNECT_MS = 5_000;
const KINDS = ["notification", "unread", "incidents"];

// Calls `tell(kind, data)` for each message after the notification `position`, and
// `tell("connected", true or false)`. The data of a message is as the API gives it. `seen` is the
// version of the incidents that the page shows.
export function listen(position, seen, tell) {
  const others = "locks" in navigator ? new BroadcastChannel("pushlog-stream") : null;
  let source = null;
  let retry;

  function open(from, shown) {
    source?.close();
    clearTimeout(retry);
    source = new EventSource(`${ADDRESS}?after=${from}&seen=${shown}`);
    source.addEventListener("open", () => share("connected", true));
    source.addEventListener("error", () => {
      share("connected", false);
      // A browser tries again by itself, but gives up where something else than a stream answers.
      if (source.readyState === EventSource.CLOSED) {
        retry = setTimeout(() => open(position, seen), RECONNECT_MS);
      }
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (message) => {
        share(kind, JSON.parse(message.data), Number(message.lastEventId));
      });
    }
  }

  function share(kind, data, id) {
    others?.postMessage({ kind, data, id });
    take(kind, data, id);
  }

  function take(kind, data, id) {
    if (kind === "notification") {
      if (id <= position) return;
      position = id;
    }
    // It says where the server stands: behind us, if its database was replaced.
    if (kind === "unread") position = id;
    tell(kind, data);
  }

  others?.addEventListener("message", ({ data: message }) => {
    if (message.kind !== "joined") take(message.kind, message.data, message.id);
    else if (source) open(message.id, message.seen);
  });

  if (others === null) {
    open(position, seen);
  } else {
    others.postMessage({ kind: "joined", id: position, seen });
    // Held until this tab is gone; then the next in line goes on from where it stands.
    navigator.locks.request("pushlog-stream", () => {
      open(position, seen);
      return new Promise(() => {});
    });
  }
  // The browser may keep a page that is left, and show it again: its connection is not kept.
  addEventListener("pagehide", () => source?.close());
}
