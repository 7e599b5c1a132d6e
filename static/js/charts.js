// Charts in our tokens: <figure data-chart="ID" data-option="JSON">. Colours by name: "@good", "@series1".
const NAMES = ["ink", "ink-2", "ink-3", "border", "border-strong", "raised", "surface", "accent", "good", "good-fill", "warn", "warn-fill", "bad", "bad-fill", "info", "info-fill", "note", "note-fill", "ghost", "accent-soft", "good-soft", "warn-soft", "bad-soft", "series1", "series2", "series3", "series4", "series5", "series6"];
const charts = new Map();
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

function tokens() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Replace "@name" by the token's colour, everywhere in the option. */
function dye(value, colours) {
  if (typeof value === "string") return value.startsWith("@") ? (colours[value.slice(1)] ?? value) : value;
  if (Array.isArray(value)) return value.map((one) => dye(one, colours));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, dye(one, colours)]));
  return value;
}

function theme(colours) {
  const font = getComputedStyle(document.body).fontFamily;
  const text = { color: colours["ink-2"], fontFamily: font, fontSize: 12 };
  const axis = {
    axisLine: { lineStyle: { color: colours["border-strong"] } },
    axisTick: { show: false },
    axisLabel: text,
    nameTextStyle: text,
    splitLine: { lineStyle: { color: colours.border } },
  };
  return {
    color: [1, 2, 3, 4, 5, 6].map((n) => colours[`series${n}`]),
    backgroundColor: "transparent",
    textStyle: { ...text, color: colours.ink },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, axisLine: { show: false } },
    timeAxis: { ...axis, splitLine: { show: false } },
    line: { symbol: "circle", symbolSize: 5, showSymbol: false, lineStyle: { width: 2 }, smooth: false },
    bar: { barMaxWidth: 28, itemStyle: { borderRadius: 3 } },
    legend: { textStyle: text, icon: "roundRect", itemWidth: 10, itemHeight: 10, top: 0, right: 0 },
    tooltip: {
      backgroundColor: colours.raised,
      borderColor: colours["border-strong"],
      textStyle: { ...text, color: colours.ink },
    },
  };
}

const BASE = {
  animation: !still,
  animationDuration: 180,
  grid: { left: 8, right: 16, top: 28, bottom: 4, containLabel: true },
  tooltip: { trigger: "axis", renderMode: "richText", confine: true },
};

function draw(figure) {
  const place = figure.querySelector(".chart-canvas");
  if (!place || !window.echarts) return;
  const colours = tokens();
  const option = dye(JSON.parse(figure.dataset.option), colours);
  charts.get(place)?.dispose();
  const chart = window.echarts.init(place, theme(colours), { renderer: "canvas" });
  chart.setOption({ ...BASE, ...option, grid: { ...BASE.grid, ...option.grid }, tooltip: { ...BASE.tooltip, ...option.tooltip, renderMode: "richText" } });
  chart.on("click", (event) => {
    const url = event.data?.url ?? option.urls?.[event.dataIndex];
    if (url) location.assign(url);
  });
  charts.set(place, chart);
  watcher.observe(place);
}

const watcher = new ResizeObserver((entries) => entries.forEach((entry) => charts.get(entry.target)?.resize()));

/** Draw every chart of a part of the page, again if it was drawn. */
export function drawAll(root = document) {
  for (const [place, chart] of charts) {
    if (place.isConnected) continue;
    chart.dispose();
    charts.delete(place);
  }
  root.querySelectorAll("figure[data-chart]").forEach(draw);
}

const ready = () => (window.echarts ? drawAll() : window.addEventListener("load", () => drawAll()));
ready();
document.addEventListener("ui:theme", () => drawAll());
document.addEventListener("htmx:load", (event) => event.detail.elt.querySelector?.("figure[data-chart]") && drawAll(event.detail.elt));
