// Runs before the first paint: marks that scripts run, and gives panes and rows the size they were left with.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.remove("no-js");
  root.classList.add("js");
  try {
    var widths = JSON.parse(localStorage.getItem("cs.panes") || "{}");
    for (var name in widths) {
      if (/^(views|list|context)$/.test(name) && widths[name] > 0) {
        root.style.setProperty("--w-" + name, Math.round(widths[name]) + "px");
      }
    }
  } catch (error) {
    // private mode: the stylesheet's own widths do
  }
})();
