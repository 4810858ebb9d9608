// What the page asks of its server. The key is kept for this tab, and goes to this server alone.

const KEY = "streamedit-key";
const PATIENCE_MS = 30_000;

// `error`: message, type, param, code, as OpenAI's envelope has them. Status 0: nobody answered.
export class Refusal extends Error {
  constructor(status, error, retryAfter_s = null) {
    super(error.message);
    Object.assign(this, { status, code: error.code ?? null, param: error.param ?? null, retryAfter_s });
  }
}

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

// What an ended edit's headers tell, without its pictures; an empty text for what is not known.
export async function told(id) {
  const { headers } = await ask("HEAD", `v1/images/edits/${id}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const named = ["cost", "provider", "attempts", "retries", "fallbacks"];
  return Object.fromEntries(named.map((name) => [name, headers.get(`x-streamedit-${name}`) ?? ""]));
}

async function read(path) {
  return (await ask("GET", path, { signal: AbortSignal.timeout(PATIENCE_MS) })).json();
}

async function ask(method, path, { headers = {}, ...options } = {}) {
  const authorization = key() ? { authorization: `Bearer ${key()}` } : {};
  const answer = await fetched(path, { method, headers: { ...headers, ...authorization }, ...options });
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Refusal(answer.status, error ?? { message: `The server answered ${answer.status}.` }, waitOf(answer.headers));
}

async function fetched(path, options) {
  try {
    return await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Refusal(0, { message: "The server cannot be reached." });
  }
}

function waitOf(headers) {
  const seconds = Number.parseFloat(headers.get("retry-after") ?? "");
  return Number.isFinite(seconds) ? seconds : null;
}
