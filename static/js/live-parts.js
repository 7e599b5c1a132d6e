// Parts that look again by themselves, and when they must wait: while somebody writes in one or waits for an answer to
// something she did in it, and while one is looking: what happened meanwhile may not be in what it gets.

const TRY_AGAIN = 1_000;
const owed = new Set();

/** Let parts of the page look again; one that cannot now does so later. */
export function lookAgain(parts) {
  for (const part of parts) {
    if (isLooking(part) || isInUse(part)) owed.add(part);
    else {
      owed.delete(part);
      window.htmx?.trigger(part, "live");
    }
  }
}

const isLooking = (part) => part.classList.contains("htmx-request");

const isInUse = (part) => isWrittenIn(part) || isAsked(part) || isAnswered(part);

/* a question stands open in it: looking again would take the dialog away before she answered */
const isAnswered = (part) => part.querySelector("dialog[open]") !== null;

function isWrittenIn(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden], .ticket-check), textarea, select")];
  // what only narrows a list is no work to lose: it counts while somebody is at it
  return fields.some((field) => isChanged(field) && (field.form?.method !== "get" || field === document.activeElement));
}

/** Whether a field holds something else than the server gave it. */
export function isChanged(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (!field.matches("select")) return field.value !== field.defaultValue;
  const options = [...field.options];
  const first = field.multiple || options.some((option) => option.defaultSelected) ? -1 : 0;
  return options.some((option, at) => option.selected !== (option.defaultSelected || at === first));
}

/* the answer needs what it was asked from: its target, its place, whoever hears what it tells */
const isAsked = (part) => part.querySelector(".htmx-request:not([data-live])") !== null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, triggeringEvent } = event.detail.requestConfig ?? {};
  if (triggeringEvent?.type !== "live") return;
  if (isInUse(elt)) {
    event.detail.shouldSwap = false; // she began while the answer was on its way
    owed.add(elt);
  } else if (event.detail.shouldSwap) {
    keepFolds(elt);
    keepFocus(elt);
  }
});

/* who works by keyboard stays where she was: on what bears the same name in what stands there now */
function keepFocus(part) {
  const at = document.activeElement;
  if (at === part || !part.contains(at)) return;
  const name = nameOf(at);
  const nth = sameNamed(part, name).indexOf(at);
  const restore = () => {
    if (document.activeElement !== document.body) return; // it is still there, or she went on
    const same = placesOf(part).flatMap((place) => sameNamed(place, name));
    (same[nth] ?? same[0])?.focus({ preventScroll: true });
  };
  document.addEventListener("htmx:afterSwap", restore, { once: true });
}
const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";
const sameNamed = (part, name) => [...part.querySelectorAll(FOCUSABLE)].filter((node) => nameOf(node) === name);
const nameOf = (node) =>
  `${node.tagName} ${node.id || node.getAttribute("href") || node.getAttribute("name") || node.getAttribute("aria-label") || node.textContent.trim()}`;

/* what somebody unfolded, folded or ticked in a part stays so when it looks again */
function keepFolds(part) {
  const was = new Map(foldsOf(part).map(([name, fold]) => [name, fold.open]));
  if (!was.size) return;
  const restore = () => {
    const opened = [];
    for (const [name, fold] of placesOf(part).flatMap(foldsOf)) {
      if (was.get(name) && !fold.open) opened.push(fold);
      if (was.has(name)) fold.open = was.get(name);
    }
    // what a fold fetches when it opens is listened for only once htmx has settled it
    const fetchAgain = () => opened.filter((fold) => fold.open).forEach((fold) => fold.dispatchEvent(new Event("toggle")));
    if (opened.length) document.addEventListener("htmx:afterSettle", fetchAgain, { once: true });
  };
  document.addEventListener("htmx:afterSwap", restore, { once: true });
}
function foldsOf(part) {
  const times = new Map();
  return [...part.querySelectorAll("details")].map((fold) => {
    const words = fold.id || fold.querySelector("summary")?.textContent.trim();
    times.set(words, (times.get(words) ?? 0) + 1);
    return [`${words}|${times.get(words)}`, fold];
  });
}
if (window.Idiomorph) {
  window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "checked" && node.matches(".ticket-check"));
}

/** The part itself, or what stands in its place since it looked. */
function placesOf(part) {
  if (part.isConnected) return [part];
  return [...document.querySelectorAll("[data-live]")].filter((other) => other.getAttribute("hx-get") === part.getAttribute("hx-get"));
}

function settle() {
  for (const part of owed) {
    if (!part.isConnected) owed.delete(part);
    lookAgain(placesOf(part));
  }
}
document.addEventListener("htmx:afterSettle", settle);
setInterval(settle, TRY_AGAIN);
