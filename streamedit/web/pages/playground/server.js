// What the page asks of its server. The key is kept for this tab, and goes to this server alone.

import { answered } from "../asking.js";

const KEY = "streamedit-key";
const PATIENCE_MS = 30_000;

export { Refusal } from "../asking.js";

export const key = () => sessionStorage.getItem(KEY) ?? "";

export function useKey(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
}

export const models = async () => (await read("v1/models")).data;

// The edit object. An upload takes as long as it takes; the key makes it safe to repeat.
export async function begin(form, idempotencyKey) {
  const answer = await ask("POST", "v1/images/edits/async", { body: form, headers: { "idempotency-key": idempotencyKey } });
  return answer.json();
}

export const cancel = (id) => ask("POST", `v1/images/edits/${id}/cancel`, { signal: AbortSignal.timeout(PATIENCE_MS) });

// What an ended edit has cost, in dollars, without its pictures; an empty text where that is not known.
export async function cost(id) {
  const { headers } = await ask("HEAD", `v1/images/edits/${id}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  return headers.get("x-streamedit-cost") ?? "";
}

async function read(path) {
  return (await ask("GET", path, { signal: AbortSignal.timeout(PATIENCE_MS) })).json();
}

function ask(method, path, { headers = {}, ...options } = {}) {
  const authorization = key() ? { authorization: `Bearer ${key()}` } : {};
  return answered(path, { method, headers: { ...headers, ...authorization }, ...options });
}
