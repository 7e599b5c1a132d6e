// The trial's mail viewer: keep the list fresh. Without it the page works, by reloading.
const list = document.querySelector("[data-refresh]");
const EVERY = 2000;
let tag = "";

async function refresh() {
  if (document.hidden || !list) return;
  try {
    const headers = { "X-Part": "list" };
    if (tag) headers["If-None-Match"] = tag;
    const answer = await fetch(list.dataset.refresh, { headers, cache: "no-store" });
    if (answer.status !== 200) return;
    tag = answer.headers.get("ETag") ?? "";
    const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    list.innerHTML = await answer.text();
    if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  } catch {
    // The server is restarting; the next round asks again.
  }
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
