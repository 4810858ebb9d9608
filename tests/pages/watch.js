"use strict";

// What the tests' pages do, and what they record of it in `watched`.

let watched;

// Begins an asynchronous edit, as a page with a form does.
async function beginEdit(url, fields, headers = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("image", new Blob(["not looked at"], { type: "image/png" }), "photo.png");
  const answer = await fetch(url, { method: "POST", body: form, headers: { Prefer: "respond-async", ...headers } });
  const told = ["x-edit-id", "preference-applied", "idempotent-replayed"].map((name) => answer.headers.get(name));
  return { status: answer.status, told, edit: await answer.json() };
}

// `events`: the server's, in their order. `interruptions`: the EventSource's state at each of its own `error` events, which
// have no data, while an event of the server that is named `error` has.
function watch(url, options) {
  const source = new EventSource(url, options);
  watched = { source, events: [], interruptions: [] };
  const record = (event) => {
    const payload = JSON.parse(event.data);
    watched.events.push({
      type: event.type,
      id: event.lastEventId,
      image: payload.b64_json ?? null,
      code: payload.error?.code ?? null,
    });
  };
  for (const type of ["message", "reset", "image_edit.partial_image", "image_edit.completed"]) {
    source.addEventListener(type, record);
  }
  source.addEventListener("error", (event) => {
    if (event.data === undefined) watched.interruptions.push(source.readyState);
    else record(event);
  });
}
