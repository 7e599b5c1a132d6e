// The tracking page: copy a number, and look again now and then while somebody watches. Everything works without it.
const EVERY = 120_000;
const MOST = 30; // an hour of watching; who comes back later loads the page anyway
let looks = 0;
let failures = 0;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy).catch(() => {});
  const label = button.querySelector("span");
  const before = label.textContent;
  label.textContent = button.closest("[data-track]").dataset.copied;
  document.querySelector("[data-track-said]").textContent = label.textContent;
  setTimeout(() => (label.textContent = before), 2000);
});

async function lookAgain() {
  const shown = document.getElementById("track");
  if (!shown?.dataset.refresh || looks >= MOST || failures > 3) return;
  if (document.visibilityState === "visible" && !shown.contains(document.activeElement)) {
    looks += 1;
    try {
      const answer = await fetch(location.href, { headers: { [shown.dataset.refresh]: "1" }, credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = (await answer.text()).replace(/<style[\s\S]*?<\/style>/g, ""); // the shop's colour is here already
      const fresh = new DOMParser().parseFromString(text, "text/html");
      const next = fresh.getElementById("track");
      const headline = next.querySelector("h1").textContent.trim();
      if (headline !== shown.querySelector("h1").textContent.trim()) {
        document.querySelector("[data-track-said]").textContent = headline;
        document.title = fresh.title;
      }
      shown.replaceWith(next);
      document.getElementById("icons").replaceWith(fresh.getElementById("icons"));
      failures = 0;
    } catch {
      failures += 1;
    }
  }
  plan();
}

function plan() {
  setTimeout(lookAgain, EVERY * (1 + failures) + Math.random() * 20_000); // not all watchers at once
}

plan();
