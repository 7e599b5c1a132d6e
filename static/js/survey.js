// One question a screen, saved as it goes. Without this file the form stands whole and works as well.
import { icon } from "./ui.js";

const AFTER_CHOICE = 420; // long enough to see what was chosen and to change one's mind
const AFTER_TYPING = 700;

for (const form of document.querySelectorAll("[data-survey]")) begin(form);

function begin(form) {
  const screens = [...form.querySelectorAll("[data-screen]")];
  const bar = form.querySelector("[data-survey-bar]");
  const track = bar.querySelector("[role=progressbar]");
  const back = form.querySelector("[data-survey-back]");
  const next = form.querySelector("[data-survey-next]");
  const send = form.querySelector("[data-survey-send]");
  const saved = form.querySelector("[data-survey-saved]");
  const words = form.dataset;
  let current = null;
  let goOn = 0;
  let saveTimer = 0;
  let byKeyboard = false;

  const inputs = (screen) => [...screen.querySelectorAll("input, textarea")];
  const values = (screen) =>
    inputs(screen)
      .filter((input) => (input.matches("textarea") ? input.value.trim() : input.checked))
      .map((input) => input.value);
  const byId = (id) => screens.find((screen) => screen.dataset.screen === id);

  function applies(screen) {
    const { after, atMost } = screen.dataset;
    if (!after) return true;
    const earlier = byId(after);
    const [value] = earlier ? values(earlier) : [];
    return value !== undefined && Number(value) <= Number(atMost) && applies(earlier);
  }

  const asked = () => screens.filter(applies);

  function show(screen, { focus = true } = {}) {
    clearTimeout(goOn);
    const list = asked();
    const index = Math.max(0, list.indexOf(screen));
    current = list[index];
    for (const one of screens) {
      one.hidden = one !== current;
      one.classList.toggle("comes", focus && one === current);
    }
    const last = index === list.length - 1;
    back.hidden = index === 0;
    next.hidden = last;
    send.hidden = !last;
    bar.hidden = false;
    form.dataset.step = index === 0 ? "first" : "later";
    track.setAttribute("aria-valuenow", String(Math.round((100 * index) / list.length)));
    bar.style.setProperty("--done", String((index + (values(current).length ? 1 : 0.35)) / list.length));
    form.querySelector("[data-survey-count]").textContent = words.wordsCount.replace("{n}", index + 1).replace("{total}", list.length);
    if (focus) {
      const typing = current.dataset.look === "text" && matchMedia("(pointer: fine)").matches;
      (typing ? current.querySelector("textarea") : current.querySelector(".survey-question")).focus({ preventScroll: true });
      scrollTo({ top: 0 });
    }
  }

  function complain(screen) {
    const place = screen.querySelector(".field-error");
    const text = document.createElement("span");
    const isMany = screen.querySelector("input[type=checkbox]") !== null;
    text.textContent = screen.dataset.look === "text" ? words.wordsWrite : isMany ? words.wordsChooseSome : words.wordsChoose;
    place.replaceChildren(icon("alert-circle", 16), text);
  }

  function step(forward) {
    const list = asked();
    const index = list.indexOf(current);
    if (forward && current.hasAttribute("data-required") && !values(current).length) return complain(current);
    const target = list[index + (forward ? 1 : -1)];
    if (!target) return undefined;
    if (forward) history.pushState({ survey: target.dataset.screen }, "");
    show(target);
    return undefined;
  }

  let saving = new AbortController();
  let isHandedIn = false;

  async function save() {
    clearTimeout(saveTimer);
    if (!words.progressUrl || isHandedIn) return;
    saving.abort(); // the newest words count
    saving = new AbortController();
    try {
      const answer = await fetch(words.progressUrl, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "same-origin", keepalive: true, signal: saving.signal });
      saved.textContent = answer.ok ? words.wordsSaved : "";
    } catch (error) {
      if (error.name !== "AbortError") saved.textContent = words.wordsUnsaved;
    }
  }

  form.addEventListener("keydown", (event) => {
    byKeyboard = event.key.startsWith("Arrow");
    if (event.isComposing || event.key !== "Enter" || event.target.matches("textarea, button")) return;
    event.preventDefault(); // Enter in a choice goes on; only the last button hands the form in
    if (!next.hidden) step(true);
  });
  form.addEventListener("pointerdown", () => (byKeyboard = false));
  form.addEventListener("change", (event) => {
    const screen = event.target.closest("[data-screen]");
    if (!screen) return;
    screen.querySelector(".field-error").replaceChildren();
    screen.classList.remove("has-error");
    show(current, { focus: false });
    save();
    if (event.target.type === "radio" && !byKeyboard && !next.hidden) goOn = setTimeout(() => step(true), AFTER_CHOICE);
  });
  form.addEventListener("input", (event) => {
    if (!event.target.matches("textarea")) return;
    clearTimeout(saveTimer);
    saveTimer = setTimeout(save, AFTER_TYPING);
  });
  form.addEventListener("submit", (event) => {
    const missing = asked().find((screen) => screen.hasAttribute("data-required") && !values(screen).length);
    clearTimeout(saveTimer);
    if (!missing) {
      isHandedIn = true;
      saving.abort(); // leaving the text field began to save; the whole form says it better
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    show(missing);
    complain(missing);
  }, { capture: true });
  back.addEventListener("click", () => (history.state?.survey && !history.state.start ? history.back() : step(false)));
  next.addEventListener("click", () => step(true));
  addEventListener("popstate", (event) => show(byId(event.state?.survey) ?? screens[0]));
  addEventListener("online", save);

  const faulty = screens.find((screen) => screen.classList.contains("has-error"));
  const preselected = new URLSearchParams(location.search).has("score");
  const open = asked().find((screen) => !values(screen).length);
  const first = faulty ?? (preselected ? screens[0] : (open ?? asked().at(-1)));
  show(first, { focus: Boolean(faulty) });
  history.replaceState({ survey: current.dataset.screen, start: true }, "");
}
