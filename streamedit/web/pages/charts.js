// Charts by Chart.js, each with its numbers as a table below. Colours are Okabe and Ito's, which nearly everybody can tell apart.

import { element, empty, table } from "./dom.js";

const { Chart } = globalThis;
const charts = new Map();
const dark = matchMedia("(prefers-color-scheme: dark)");

const SERIES = 6;

Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = getComputedStyle(document.documentElement).fontFamily;
Chart.defaults.font.size = 11;
Chart.defaults.plugins.legend.position = "bottom";
Chart.defaults.plugins.legend.align = "start";
Object.assign(Chart.defaults.plugins.legend.labels, { boxWidth: 10, boxHeight: 10, padding: 12 });
Object.assign(Chart.defaults.plugins.tooltip, { boxPadding: 4, cornerRadius: 4, padding: 8 });

dark.addEventListener("change", () => {
  for (const chart of charts.values()) draw(chart.figure, chart.told);
});

// `told`: {kind: "stack" | "lines" | "ranking", labels, series: [{name, values}], write(number), mark(number) on its axis, titles(index),
// summary}.
export function draw(figure, told) {
  const place = frame(figure);
  const isEmpty = told.series.every((series) => series.values.every((value) => !value));
  const known = charts.get(figure.id);
  place.nothing.hidden = !isEmpty;
  place.canvas.hidden = isEmpty;
  place.canvas.setAttribute("aria-label", told.summary);
  place.nothing.replaceChildren(empty(told.nothing));
  fillTable(place, told);
  const config = configOf(told);
  if (known) {
    Object.assign(known.chart, { options: config.options });
    known.chart.data = config.data;
    known.chart.update();
  }
  charts.set(figure.id, { figure, told, chart: known?.chart ?? new Chart(place.canvas, config) });
}

function frame(figure) {
  if (!figure.querySelector("canvas")) {
    const canvas = element("canvas", { role: "img" });
    const nothing = element("div", { class: "nothing", hidden: "" });
    const more = element("details", {}, element("summary", {}, "Show as a table"), element("div", { class: "scroll", tabindex: "0" }));
    figure.append(element("div", { class: "canvas" }, canvas, nothing), more);
  }
  const [canvas, nothing, scroll] = ["canvas", ".nothing", ".scroll"].map((found) => figure.querySelector(found));
  return { canvas, nothing, scroll, caption: figure.querySelector("h2").textContent };
}

function fillTable(place, told) {
  const numbers = told.series.map((series) => ({
    title: series.name,
    className: "number",
    cell: (index) => told.write(series.values[index]),
  }));
  const columns = [{ title: told.heading, cell: (index) => told.titles(index) }, ...numbers];
  place.scroll.replaceChildren(table(place.caption, columns, [...told.labels.keys()]));
}

function configOf(told) {
  const isRanking = told.kind === "ranking";
  const isLines = told.kind === "lines";
  const axes = axesOf(told, isRanking, !isLines);
  const datasets = told.series.map((series, index) => (isLines ? lineOf(series, index) : barOf(series, index)));
  return {
    type: isLines ? "line" : "bar",
    data: { labels: told.labels, datasets },
    options: {
      indexAxis: isRanking ? "y" : "x",
      interaction: { mode: "index", intersect: false, axis: isRanking ? "y" : "x" },
      scales: isRanking ? { x: axes.numbers, y: axes.names } : { x: axes.names, y: axes.numbers },
      plugins: {
        legend: { display: told.series.length > 1, labels: { color: colour("--quiet"), usePointStyle: isLines, pointStyle: "line", pointStyleWidth: 22 } },
        tooltip: { filter: (item) => Boolean(item.raw), callbacks: tooltipOf(told) },
      },
    },
  };
}

function axesOf(told, isRanking, stacked) {
  const ticks = { color: colour("--quiet"), maxRotation: 0, autoSkipPadding: 12 };
  return {
    names: { stacked, grid: { display: false }, border: { color: colour("--line") }, ticks: { ...ticks, autoSkip: !isRanking } },
    numbers: {
      stacked,
      beginAtZero: true,
      border: { display: false },
      grid: { color: colour("--line") },
      ticks: { ...ticks, maxTicksLimit: 5, callback: (value) => (told.mark ?? told.write)(value), ...(told.whole ? { precision: 0 } : {}) },
    },
  };
}

function tooltipOf(told) {
  return {
    title: ([item]) => item && told.titles(item.dataIndex),
    label: (item) => ` ${item.dataset.label}: ${told.write(item.raw)}`,
  };
}

function barOf(series, index) {
  return { label: series.name, data: series.values, backgroundColor: seriesColour(series, index), maxBarThickness: 28, categoryPercentage: 0.9, barPercentage: 0.88 };
}

// The second line is dashed: who sees no colours can tell them apart, too.
function lineOf(series, index) {
  const drawn = seriesColour(series, index);
  return {
    label: series.name, data: series.values, borderColor: drawn, backgroundColor: drawn, borderWidth: 2, borderDash: index ? [5, 4] : [],
    pointRadius: series.values.length > 40 ? 0 : 2, pointHoverRadius: 4, tension: 0.25, spanGaps: true,
  };
}

function seriesColour(series, index) {
  return colour(series.isRest || index >= SERIES ? "--series-rest" : `--series-${index + 1}`);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
