// Entry of every staff page.
import "./ui.js";
import "./htmx-shell.js";
import "./panes.js";
import "./keys.js";
import "./palette.js";
import "./live.js";
import "./calls.js";
