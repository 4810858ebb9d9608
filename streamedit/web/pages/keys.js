// API keys with their budgets; making new ones, changing their text, revoking them.

import { post, remove } from "./api.js";
import { bar, byId, element, empty, table, tell } from "./dom.js";
import { ago, date, dollars, period } from "./format.js";

const SOON_S = 7 * 86_400;
const DAY_MS = 86_400_000;

let changed = () => {};
let confirmed = null;

export function manageKeys(whenChanged) {
  changed = whenChanged;
  byId("create-key").addEventListener("click", () => open("create"));
  byId("create-form").addEventListener("submit", (event) => submitted(event, create));
  byId("confirm-form").addEventListener("submit", (event) => submitted(event, () => confirmed()));
  byId("copy-secret").addEventListener("click", copy);
  byId("secret-dialog").addEventListener("close", () => (byId("secret").textContent = ""));
  for (const button of document.querySelectorAll("dialog button[value=cancel]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
}

export function showKeys(told) {
  const columns = [
    { title: "Key", className: "name", cell: nameOf },
    { title: "Group", cell: (key) => key.group ?? "–" },
    { title: "Last used", cell: (key) => (key.last_used_at ? ago(key.last_used_at, told.end) : "never") },
    { title: "Expires", cell: (key) => expiryOf(key, told.end) },
    { title: "Budgets", className: "budgets", cell: (key) => budgetsOf(key, told.end) },
    { title: "", className: "actions", cell: actionsOf },
  ];
  const more = told.has_more_keys ? [element("p", { class: "quiet" }, "There are more, older keys.")] : [];
  byId("keys").replaceChildren(...(told.keys.length ? [table("API keys", columns, told.keys), ...more] : [empty("No keys were given out yet.")]));
}

function nameOf(key) {
  return element("span", { title: key.name }, key.name || "unnamed", element("span", { class: "quiet mono" }, prefixOf(key)));
}

const prefixOf = (key) => `sk-se-${key.id.replace(/^key_/, "")}…`;

function expiryOf(key, now_s) {
  if (key.expires_at === null) return "never";
  if (key.expires_at <= now_s) return element("span", { class: "flag" }, "expired");
  return element("span", { class: key.expires_at - now_s < SOON_S ? "flag" : null }, date(key.expires_at));
}

function budgetsOf(key, now_s) {
  if (!key.budgets.length) return element("span", { class: "quiet" }, "no budget");
  return element("div", {}, ...key.budgets.map((budget) => budgetOf(budget, now_s)));
}

function budgetOf(budget, now_s) {
  const spent = dollars(budget.spent_micros);
  const limit = dollars(budget.limit_micros);
  const reserved = budget.reserved_micros ? ` + ${dollars(budget.reserved_micros)} reserved` : "";
  const shares = [budget.spent_micros, budget.reserved_micros].map((micros) => micros / Math.max(1, budget.limit_micros));
  const parts = [{ className: budget.left_micros ? "spent" : "gone", share: shares[0] }, { className: "reserved", share: shares[1] }];
  const label = `${spent} spent${reserved} of ${limit} per ${period(budget.period)}`;
  const resets = budget.resets_at ? `Begins anew on ${date(budget.resets_at)}` : "For its whole life";
  return element(
    "div",
    { class: "budget", title: `${label}. ${resets}, ${dollars(budget.left_micros)} left.` },
    element("div", {}, element("span", {}, `${spent}${reserved}`), element("span", { class: "quiet" }, `of ${limit} / ${period(budget.period)}`)),
    bar(parts, label),
  );
}

function actionsOf(key) {
  const name = key.name || prefixOf(key);
  const rotate = element("button", { type: "button", class: "small", "aria-label": `Rotate ${name}` }, "Rotate");
  const revoke = element("button", { type: "button", class: "small danger", "aria-label": `Revoke ${name}` }, "Revoke");
  rotate.addEventListener("click", () => ask(`Rotate “${name}”?`, "It gets a new text; the old one stops working at once.", "Rotate", () => rotated(key)));
  revoke.addEventListener("click", () => ask(`Revoke “${name}”?`, "Whoever uses it is refused at once. It cannot be undone.", "Revoke", () => revoked(key)));
  return element("span", {}, rotate, revoke);
}

const pathOf = (key) => `v1/admin/keys/${encodeURIComponent(key.id)}`;

async function rotated(key) {
  const made = await post(`${pathOf(key)}/rotate`, {});
  reveal("The new text of the key", made.key);
}

async function revoked(key) {
  await remove(pathOf(key));
}

async function create(form) {
  const { name, group, budget, period: length, expires } = Object.fromEntries(new FormData(form));
  const made = await post("v1/admin/keys", {
    name: name.trim(),
    ...(group && { group }),
    ...(budget && { budgets: [{ limit_usd: budget, period: length }] }),
    // To the end of that day.
    ...(expires && { expires_at: (Date.parse(expires) + DAY_MS) / 1000 }),
  });
  reveal(`Key “${name.trim()}”`, made.key);
}

function open(name) {
  const form = byId(`${name}-form`);
  form.reset();
  tell(form.querySelector(".trouble"), null);
  byId(`${name}-dialog`).showModal();
}

function ask(title, text, verb, action) {
  confirmed = action;
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-do").textContent = verb;
  open("confirm");
}

// A dialog closes when it is done, and says what is wrong when it is not.
async function submitted(event, action) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  try {
    await action(form);
    form.closest("dialog").close();
    changed();
  } catch (error) {
    tell(form.querySelector(".trouble"), error);
  } finally {
    button.disabled = false;
  }
}

function reveal(title, text) {
  byId("secret-title").textContent = title;
  byId("secret").textContent = text;
  byId("copy-secret").textContent = "Copy";
  byId("secret-dialog").showModal();
}

async function copy() {
  const secret = byId("secret");
  try {
    await navigator.clipboard.writeText(secret.textContent);
    byId("copy-secret").textContent = "Copied";
  } catch {
    // Browsers allow it over TLS and at localhost alone; then it is selected, to be copied by hand.
    getSelection().selectAllChildren(secret);
  }
}
