// Notices on this device: asked for by one tap, taken back by another. Without push in the browser nothing shows.
const part = document.querySelector("[data-push]");
const said = part.querySelector("[data-push-said]");
const button = part.querySelector("[data-push-do]");

function show(state) {
  said.textContent = said.dataset[state];
  button.hidden = state === "denied";
  if (state === "on" || state === "off") {
    button.dataset.state = state;
    button.textContent = button.dataset[state];
    button.classList.toggle("btn-primary", state === "off");
  }
  part.hidden = false;
}

async function tell(words) {
  const answer = await fetch(part.dataset.url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(words),
    credentials: "omit",
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).on;
}

const registered = () => navigator.serviceWorker.register(part.dataset.worker, { scope: part.dataset.scope });

// A subscription made for another key of ours would never be heard: it is made anew.
function isOurs(subscription) {
  const key = subscription.options?.applicationServerKey;
  if (!key) return true;
  const text = btoa(String.fromCharCode(...new Uint8Array(key)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") === part.dataset.key;
}

async function turnOn() {
  const place = await registered();
  await navigator.serviceWorker.ready;
  const before = await place.pushManager.getSubscription();
  if (before && !isOurs(before)) await before.unsubscribe();
  const subscription = await place.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: part.dataset.key,
  });
  await tell({ do: "on", subscription: subscription.toJSON() });
}

// The device keeps its place at the push service: another order's link may be on. What is sent is decided by us.
async function turnOff() {
  const place = await navigator.serviceWorker.getRegistration(part.dataset.scope);
  const subscription = await place?.pushManager.getSubscription();
  if (subscription) await tell({ do: "off", endpoint: subscription.endpoint });
}

button.addEventListener("click", async () => {
  const wish = button.dataset.state === "on" ? "off" : "on";
  button.disabled = true;
  try {
    if (wish === "on" && (await Notification.requestPermission()) !== "granted") {
      show(Notification.permission === "denied" ? "denied" : "off");
      return;
    }
    await (wish === "on" ? turnOn() : turnOff());
    show(wish);
  } catch {
    show("failed");
  } finally {
    button.disabled = false;
  }
});

async function begin() {
  if (Notification.permission === "denied") return show("denied");
  const place = await navigator.serviceWorker.getRegistration(part.dataset.scope);
  const subscription = await place?.pushManager.getSubscription();
  if (!subscription || !isOurs(subscription)) return show("off");
  return show((await tell({ do: "look", endpoint: subscription.endpoint })) ? "on" : "off");
}

if ("serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  begin().catch(() => show("off"));
}
