// The admin page: its session, what it shows, and when it asks again.

import { get, logIn, logOut, session } from "./api.js";
import { draw } from "./charts.js";
import { bar, byId, element, empty, table, tell } from "./dom.js";
import { manageKeys, showKeys } from "./keys.js";
import { compact, count, date, day, dollars, hour, roundDollars, seconds, share } from "./format.js";

const LIVE_MS = 3000;
const OVERVIEW_MS = 30_000;
const HOUR_S = 3600;

let shown = null;
let asked = 0;
let timers = [];

const chosen = (name) => byId("controls").elements[name].value;

function show(told) {
  byId("login").hidden = told.is_open;
  byId("dashboard").hidden = !told.is_open;
  byId("login-form").hidden = !told.can_begin;
  byId("no-master-key").hidden = told.can_begin;
  timers.forEach(clearInterval);
  timers = told.is_open ? [setInterval(unlessHidden(showLive), LIVE_MS), setInterval(unlessHidden(load), OVERVIEW_MS)] : [];
  if (told.is_open) load();
  else if (told.can_begin) byId("master-key").focus();
}

const unlessHidden = (action) => () => document.hidden || action();

// The answer to an older question is of no use when a newer one has been asked.
async function load() {
  const mine = ++asked;
  byId("content").setAttribute("aria-busy", "true");
  try {
    const told = await get(`v1/admin/overview?range=${chosen("range")}`);
    if (mine !== asked) return;
    shown = told;
    tell(byId("trouble"), null);
    byId("freshness").textContent = `Updated ${hour(told.end)} UTC`;
    render();
  } catch (error) {
    if (mine === asked) await failed(error);
  } finally {
    if (mine === asked) byId("content").setAttribute("aria-busy", "false");
  }
}

async function failed(error) {
  if (error.status === 401) show(await session());
  else tell(byId("trouble"), error);
}

async function showLive() {
  try {
    renderLive(await get("v1/admin/live"));
  } catch (error) {
    await failed(error);
  }
}

function render() {
  renderCards(shown);
  renderLive(shown.live);
  renderCharts(shown);
  renderRankings(shown);
  showKeys(shown);
}

function put(id, text, note = "") {
  byId(`card-${id}`).textContent = text;
  byId(`card-${id}-note`).textContent = note;
}

function renderCards(told) {
  const range = `last ${told.range}`;
  put("edits", compact(told.edits), range);
  put("success", share(told.completed, told.edits), told.failed ? `${compact(told.failed)} failed` : "none failed");
  put("images", compact(told.images), range);
  put("today", dollars(told.today.spend_micros), `${compact(told.today.edits)} edits, UTC`);
  put("spend", dollars(told.spend_micros), range);
  put("first", seconds(told.first_event_s.p50), `p95 ${seconds(told.first_event_s.p95)}`);
}

function renderLive(live) {
  byId("card-running").textContent = count(live.running_edits);
  byId("card-streams").textContent = count(live.open_streams);
}

function renderCharts(told) {
  const starts = told.buckets.map((bucket) => bucket.start);
  const isHours = told.bucket_s === HOUR_S;
  const time = {
    heading: isHours ? "Hour (UTC)" : "Day (UTC)",
    labels: starts.map(isHours ? hour : day),
    titles: (index) => (isHours ? `${day(starts[index])}, ${hour(starts[index])}` : date(starts[index])),
    nothing: "No edits in this time.",
  };
  const lines = told[chosen("by")];
  const stacked = (name) => lines.map((line) => ({ name: line.name, values: line[name], isRest: line.name === "other" }));
  const latency = (name) => ["p50", "p95"].map((which) => ({ name: which, values: told.buckets.map((bucket) => bucket[name][which]) }));
  const spread = (name) => `median ${seconds(told[name].p50)}, 95th percentile ${seconds(told[name].p95)}`;
  draw(byId("spend"), { ...time, kind: "stack", series: stacked("spend_micros"), write: dollars, mark: roundDollars, nothing: "Nothing was spent in this time.", summary: `Spend: ${dollars(told.spend_micros)} in the last ${told.range}` });
  draw(byId("edits"), { ...time, kind: "stack", whole: true, series: stacked("edits"), write: compact, summary: `Edits: ${count(told.edits)} in the last ${told.range}` });
  draw(byId("first"), { ...time, kind: "lines", series: latency("first_event_s"), write: seconds, summary: `Time to first event: ${spread("first_event_s")}` });
  draw(byId("total"), { ...time, kind: "lines", series: latency("total_s"), write: seconds, summary: `Time to completion: ${spread("total_s")}` });
  renderFailures(told.failures);
}

function renderFailures(failures) {
  const sums = new Map();
  for (const { outcomes } of failures) {
    for (const [outcome, number] of Object.entries(outcomes)) sums.set(outcome, (sums.get(outcome) ?? 0) + number);
  }
  const outcomes = [...sums.keys()].sort((one, other) => sums.get(other) - sums.get(one));
  const series = outcomes.slice(0, 6).map((name) => ({ name, values: failures.map((each) => each.outcomes[name] ?? 0) }));
  const rest = outcomes.slice(6);
  const others = failures.map((each) => rest.reduce((sum, name) => sum + (each.outcomes[name] ?? 0), 0));
  if (rest.length) series.push({ name: "other", values: others, isRest: true });
  const all = [...sums.values()].reduce((sum, number) => sum + number, 0);
  draw(byId("failures"), {
    kind: "ranking", whole: true, heading: "Provider", labels: failures.map((each) => each.provider), titles: (index) => failures[index].provider,
    series, write: count, nothing: "No errors in this time.", summary: `Errors by provider: ${count(all)} in all`,
  });
}

function renderRankings(told) {
  const names = new Map(told.keys.map((key) => [key.id, key.name]));
  rank("models", "Model", told.models, (each) => each.name);
  rank("end-users", "End user", told.end_users, (each) => each.name);
  rank("busiest-keys", "Key", told.busiest_keys, (each) => names.get(each.name) || each.name);
}

function rank(id, title, rows, nameOf) {
  const most = Math.max(1, ...rows.map((row) => row.edits));
  const columns = [
    { title, className: "name", cell: (row) => element("span", { title: nameOf(row) }, nameOf(row)) },
    { title: "", className: "share", cell: (row) => bar([{ className: "spent", share: row.edits / most }]) },
    { title: "Edits", className: "number", cell: (row) => count(row.edits) },
    { title: "Success", className: "number", cell: (row) => share(row.completed, row.edits) },
    { title: "Spend", className: "number", cell: (row) => dollars(row.spend_micros) },
  ];
  byId(id).replaceChildren(rows.length ? table(title, columns, rows) : empty("Nobody and nothing in this time."));
}

byId("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  tell(byId("login-trouble"), null);
  try {
    const told = await logIn(form.elements.key.value);
    form.reset();
    show(told);
  } catch (error) {
    tell(byId("login-trouble"), error);
    form.elements.key.select();
  }
});

byId("logout").addEventListener("click", async () => {
  try {
    await logOut();
  } catch {
    // Without a session there is none to end; the page below says what is so.
  }
  location.reload();
});

byId("controls").addEventListener("change", (event) => (event.target.name === "by" ? shown && render() : load()));
document.addEventListener("visibilitychange", () => timers.length && unlessHidden(load)());
manageKeys(load);

try {
  show(await session());
} catch (error) {
  show({ is_open: false, can_begin: true });
  tell(byId("login-trouble"), error);
}
