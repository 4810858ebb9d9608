// What the page asks of its server. The session is a cookie that no script can read; changes carry its token beside it.

import { answered } from "./asking.js";

const PATIENCE_MS = 30_000;

let csrfToken = "";

export async function session() {
  return remember(await ask("GET", "admin/session"));
}

export async function logIn(key) {
  return remember(await ask("POST", "admin/login", { key }));
}

export async function logOut() {
  return remember(await ask("POST", "admin/logout"));
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
export const remove = (path) => ask("DELETE", path);

function remember(told) {
  csrfToken = told.csrf_token ?? "";
  return told;
}

async function ask(method, path, body) {
  const headers = { accept: "application/json" };
  if (method !== "GET") headers["x-csrf-token"] = csrfToken;
  if (body !== undefined) headers["content-type"] = "application/json";
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await answered(path, { method, headers, body: body && JSON.stringify(body), signal });
  return answer.json().catch(() => ({}));
}
