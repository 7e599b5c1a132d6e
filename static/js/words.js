// The page's words for scripts, in its language (core/ui/words.py). Every module asks here.
const source = document.getElementById("ui-words");
const words = source ? JSON.parse(source.textContent) : {};

/** Return a sentence by name, with %(name)s places filled. */
export function say(name, values = {}) {
  return (words[name] ?? name).replace(/%\((\w+)\)[sd]/g, (whole, key) => values[key] ?? whole);
}

/** Write seconds in their two largest units, like core.ui.duration. */
export function duration(seconds) {
  const rest = Math.max(0, Math.floor(Math.abs(seconds)));
  const parts = [["d", Math.floor(rest / 86400)], ["h", Math.floor(rest / 3600) % 24], ["min", Math.floor(rest / 60) % 60]];
  const first = parts.findIndex(([, amount]) => amount);
  if (first < 0) return say("s", { n: rest });
  return parts.slice(first, first + 2).filter(([, amount]) => amount).map(([unit, n]) => say(unit, { n })).join(" ");
}

/** Write a moment as 3 min ago; null when it is a day or more away. */
export function relative(date, now = new Date()) {
  const seconds = Math.floor((now - date) / 1000);
  const size = Math.abs(seconds);
  if (size >= 86400) return null;
  if (size < 60) return say(seconds >= 0 ? "justNow" : "soon");
  if (size < 3600) return say(seconds > 0 ? "minAgo" : "inMin", { n: Math.floor(size / 60) });
  return say(seconds > 0 ? "hoursAgo" : "inHours", { n: Math.floor(size / 3600) });
}
