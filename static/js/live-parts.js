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

const isInUse = (part) => isWrittenIn(part) || isAsked(part);

function isWrittenIn(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden], .ticket-check), textarea, select")];
  // what only narrows a list is no work to lose: it counts while somebody is at it
  return fields.some((field) => isChanged(field) && (field.form?.method !== "get" || field === document.activeElement));
}

function isChanged(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (!field.matches("select")) return field.value !== field.defaultValue;
  const options = [...field.options];
  const first = field.multiple || options.some((option) => option.defaultSelected) ? -1 : 0;
  return options.some((option, at) => option.selected !== (option.defaultSelected || at === first));
}

/* the answer needs what it was asked from: its target, its place, whoever hears what it tells */
const isAsked = (part) => part.querySelector(".htmx-request:not([data-live])") !== null;

/* she may have begun while the answer was on its way */
document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, triggeringEvent } = event.detail.requestConfig ?? {};
  if (triggeringEvent?.type !== "live" || !isInUse(elt)) return;
  event.detail.shouldSwap = false;
  owed.add(elt);
});

function settle() {
  for (const part of owed) {
    if (part.isConnected) lookAgain([part]);
    else {
      owed.delete(part); // it has looked, and another stands in its place
      lookAgain([...document.querySelectorAll("[data-live]")].filter((other) => other.getAttribute("hx-get") === part.getAttribute("hx-get")));
    }
  }
}
document.addEventListener("htmx:afterSettle", settle);
setInterval(settle, TRY_AGAIN);
