// An edit's events as they come, over EventSource: from the first on, or from behind the last that was seen.

import { Refusal } from "./server.js";

const AWAY_MS = 1500;

// `told`: {event(payload, meta), dropped(lastId), resumed(lastId), ended(), failed(refusal)}; meta: {id, bytes}.
export class Watch {
  constructor({ id, events_url: url }, images, told) {
    // Below this page, whatever the server's public address is: its policy lets the page ask nobody else.
    this.url = new URL(`v1/images/edits/${id}/events${new URL(url, document.baseURI).search}`, document.baseURI);
    this.images = images;
    this.told = told;
    this.lastId = 0;
    this.completed = 0;
    this.isAway = false;
    this.dropsNext = false;
    this.open();
  }

  // The browser sends Last-Event-ID by itself when a connection breaks; a new source says it in its address.
  open() {
    const place = new URL(this.url);
    if (this.lastId) place.searchParams.set("last_event_id", this.lastId);
    this.source = new EventSource(place);
    this.source.onopen = () => this.opened();
    this.source.onerror = (event) => (event instanceof MessageEvent ? this.refused(event) : this.broken());
    for (const name of ["image_edit.partial_image", "image_edit.completed"]) {
      this.source.addEventListener(name, (event) => this.arrived(event));
    }
    this.source.addEventListener("reset", () => this.reset());
  }

  opened() {
    if (!this.isAway) return;
    this.isAway = false;
    this.told.resumed(this.lastId);
  }

  arrived(event) {
    this.lastId = Number(event.lastEventId);
    const payload = JSON.parse(event.data);
    if (payload.type === "image_edit.completed") this.completed += 1;
    this.told.event(payload, { id: this.lastId, bytes: event.data.length });
    if (this.completed >= this.images) this.end();
    else if (this.dropsNext) this.drop();
  }

  // The server does not have what was read here: it tells everything from the beginning.
  reset() {
    this.lastId = 0;
    this.completed = 0;
  }

  // Away for a moment, in which the edit goes on without this page.
  drop() {
    this.dropsNext = false;
    this.source.close();
    this.away();
    this.back = setTimeout(() => this.open(), AWAY_MS);
  }

  refused(event) {
    const { error } = JSON.parse(event.data);
    this.close();
    this.told.failed(new Refusal(statusOf(error), error));
  }

  // The browser comes back by itself, unless it was told that there is nothing to come back to.
  broken() {
    if (this.source.readyState === EventSource.CONNECTING) return this.away();
    this.close();
    return this.told.failed(new Refusal(0, { message: "The server does not show this edit any more.", code: "stream_closed" }));
  }

  away() {
    if (this.isAway) return;
    this.isAway = true;
    this.told.dropped(this.lastId);
  }

  end() {
    this.close();
    this.told.ended();
  }

  close() {
    clearTimeout(this.back);
    this.source.close();
  }
}

// Inside a stream there is no status; the code says which kind of advice fits.
function statusOf(error) {
  return error.type === "invalid_request_error" || error.type === "image_generation_user_error" ? 400 : 502;
}
