// The outbox: survives a reload, one entry per message. A message has a client id: sent twice, it arrives once.
import { token } from "./toasts.js";

const BOX = "cs.outbox";
export const outbox = {
  all() {
    try {
      return JSON.parse(localStorage.getItem(BOX) ?? "[]");
    } catch {
      return [];
    }
  },
  write(entries) {
    localStorage.setItem(BOX, JSON.stringify(entries));
    document.dispatchEvent(new CustomEvent("outbox:count", { detail: { count: entries.length } }));
  },
  put(entry) {
    this.write([...this.all().filter((one) => one.id !== entry.id), entry]);
  },
  drop(id) {
    this.write(this.all().filter((one) => one.id !== id));
  },
};

/** POST fields as a form; tell status and the answer's JSON. */
export async function send(url, fields) {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  body.set("csrfmiddlewaretoken", token());
  const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
  const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
  return { status: answer.status, data: isJson ? await answer.json() : {} };
}

let flushing = false;

/** Send what waits, oldest first, and tell each answer to settle(entry, result). Stops where the line is still down. */
export async function flush(settle) {
  if (flushing || !navigator.onLine) return;
  flushing = true;
  try {
    for (const entry of outbox.all()) {
      let result;
      try {
        result = await send(entry.url, entry.fields);
      } catch {
        break;
      }
      if (result.status >= 500 || result.status === 429) break;
      outbox.drop(entry.id);
      settle(entry, result);
    }
  } finally {
    flushing = false;
  }
}
