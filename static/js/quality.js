/* The review page: digits mark the criterion at hand, J and K go through criteria, a message becomes evidence. */

const form = document.querySelector("[data-rubric]");

if (form) {
  const criteria = [...form.querySelectorAll("[data-criterion]")];
  let active = null;

  const activate = (one) => {
    active?.classList.remove("is-active");
    active = one;
    active?.classList.add("is-active");
  };

  const go = (step) => {
    const next = criteria[Math.min(criteria.length - 1, Math.max(0, criteria.indexOf(active) + step))];
    const target = next.querySelector("input:checked") ?? next.querySelector("input");
    target.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    activate(next);
  };

  const mark = (value) => {
    const input = (active ?? criteria[0]).querySelector(`input[type="radio"][value="${value}"]`);
    if (!input) return;
    input.checked = true;
    input.focus({ preventScroll: true });
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };

  form.addEventListener("focusin", (event) => {
    const one = event.target.closest("[data-criterion]");
    if (one) activate(one);
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("textarea, select, input:not([type='radio'])");
    if (typing || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "k") go(event.key === "j" ? 1 : -1);
    else if (/^[0-5]$/.test(event.key)) mark(event.key);
    else if (event.key === "n") mark("na");
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-evidence]");
    if (!button) return;
    const choice = (active ?? criteria[0]).querySelector("select");
    choice.value = button.dataset.evidence;
    choice.dispatchEvent(new Event("input", { bubbles: true }));
    choice.focus();
  });
}
