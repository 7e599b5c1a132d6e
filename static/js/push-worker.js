// Shows what the shop tells of an order, and opens its page. It keeps no pages and answers no requests.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data.json();
  } catch {
    return; // nothing of ours
  }
  const { title = "", body = "", url = "", tag = "" } = told;
  event.waitUntil(self.registration.showNotification(title, { body, tag, data: { url } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = new URL(event.notification.data?.url || "/track/", self.location.origin);
  if (url.origin !== self.location.origin) return; // a link of ours leads nowhere else
  event.waitUntil(
    self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((open) => {
      const there = open.find((page) => page.url === url.href);
      return there ? there.focus() : self.clients.openWindow(url.href);
    }),
  );
});

// The push service moved this browser: say so, or the next notice goes nowhere.
self.addEventListener("pushsubscriptionchange", (event) => {
  const before = event.oldSubscription;
  if (!before) return;
  const again = event.newSubscription
    ? Promise.resolve(event.newSubscription)
    : self.registration.pushManager.subscribe(before.options);
  event.waitUntil(
    again.then((subscription) =>
      fetch("/track/device/", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ endpoint: before.endpoint, subscription: subscription.toJSON() }),
        credentials: "omit",
      }),
    ),
  );
});
