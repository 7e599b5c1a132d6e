// Calls beside one's work: cards come and go with what the PBX tells. Nothing here takes the focus, and a form that is
// being filled in is never replaced.
const place = document.getElementById("calls");
const KEY = "cs.calls"; // "on": a call concerns this person now; "seat": one did before
const remembered = () => localStorage.getItem(KEY);

let asked = 0;

async function look() {
  const turn = ++asked;
  let answer;
  try {
    answer = await fetch(place.dataset.calls, { headers: { "X-Requested-With": "fetch" }, redirect: "manual" });
  } catch {
    return; // the offline bar says so; the next hint or poll looks again
  }
  if (turn !== asked || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (turn !== asked) return;
  show([...fresh.querySelectorAll("[data-card]")]);
}

function show(cards) {
  const known = new Map([...place.querySelectorAll("[data-card]")].map((card) => [card.dataset.card, card]));
  const kept = cards.map((card) => {
    const before = known.get(card.dataset.card);
    known.delete(card.dataset.card);
    const stays = before?.dataset.phase === card.dataset.phase && (before.dataset.version === card.dataset.version || before.querySelector("[data-call-form]"));
    if (stays) return before;
    const next = document.importNode(card, true);
    if (before) swap(before, next);
    else if (next.dataset.phase === "ringing") place.prepend(next);
    else place.append(next); // cards are never moved: moving one would take the focus from it
    window.htmx?.process(next);
    return next;
  });
  for (const gone of known.values()) gone.remove();
  place.hidden = !cards.length;
  localStorage.setItem(KEY, cards.length ? "on" : remembered() ? "seat" : "");
  const rings = cards.filter((card) => card.dataset.phase === "ringing").length;
  if (rings > ringing) tell(kept.find((card) => card.dataset.phase === "ringing"));
  ringing = rings;
  tick();
}

let ringing = 0;

/** Put the new card in the place of the old one, with what was typed into its search. */
function swap(before, next) {
  const typed = before.querySelector("input[type=search]")?.value;
  const hadFocus = before.contains(document.activeElement) ? document.activeElement.id : "";
  before.replaceWith(next);
  const field = next.querySelector("input[type=search]");
  if (field && typed) field.value = typed;
  if (hadFocus) document.getElementById(hadFocus)?.focus();
}

/** Say to screen readers what rings, without moving anybody anywhere. */
function tell(card) {
  const words = card?.querySelector(".call-title")?.textContent ?? "";
  const who = card?.querySelector(".call-who")?.textContent ?? "";
  const voice = document.getElementById("calls-voice");
  if (voice) voice.textContent = `${words} ${who}`.replace(/\s+/g, " ").trim();
}

/** Count the seconds of whatever rings, speaks or waits. */
function tick() {
  for (const clock of document.querySelectorAll("[data-call-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.callSince)) / 1000));
    const words = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (clock.textContent !== words) clock.textContent = words;
  }
}

if (place) {
  document.addEventListener("live:call", (event) => event.detail.group.startsWith("staff.") && look());
  document.addEventListener("calls:look", look);
  document.addEventListener("live:resync", () => remembered() && look());
  document.addEventListener("live:poll", () => remembered() && look());
  window.addEventListener("storage", (event) => event.key === KEY && event.newValue === "on" && place.hidden && look());
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.detail.elt.matches?.("[data-call-form]")) {
      const card = event.detail.elt.closest("[data-card]");
      if (!card) window.location.assign(place.dataset.page); // the form's own page
      card?.remove();
      look();
    }
  });
  setInterval(tick, 1000);
  if (remembered() === "on" || document.getElementById("calls-page")) look();
  tick();
}
