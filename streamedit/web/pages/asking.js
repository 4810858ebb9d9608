// How pages ask their server, and how it refuses.

// `error`: message, type, param, code, as OpenAI's envelope has them. Status 0: nobody answered.
export class Refusal extends Error {
  constructor(status, error, retryAfter_s = null) {
    super(error.message);
    Object.assign(this, { status, code: error.code ?? null, param: error.param ?? null, retryAfter_s });
  }
}

// A good answer, never a kept one. Throws Refusal for any other, and for none.
export async function answered(path, options) {
  const answer = await fetched(path, options);
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
