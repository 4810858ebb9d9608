// One edit, from the request to its last event: asynchronous, so that neither a drop nor a reload ends it.

import { byId } from "../dom.js";
import { pictureOf } from "./pictures.js";
import { formOf, imagesWanted } from "./request.js";
import * as server from "./server.js";
import { Watch } from "./watch.js";
import { size } from "./timeline.js";

export class Run {
  // `told`: {saved(state), moved(), ended(state, took_ms), failed(state, refusal)}; `moved`: the connection came or went.
  constructor(timeline, outputs, told) {
    Object.assign(this, { timeline, outputs, told });
    this.watch = null;
    this.state = null;
    this.dropsNext = false;
    this.isUnwanted = false;
  }

  get isRunning() {
    return this.state !== null;
  }

  // `state`: {key, at_ms, request, edit}; `edit` is null until the server has accepted it. One that was kept goes on.
  async start(state) {
    this.state = state;
    const { request } = state;
    this.total = imagesWanted(request);
    this.partials = Number(request.fields.find(([name]) => name === "partial_images")?.[1] ?? 0);
    this.timeline.start(state.at_ms);
    try {
      await this.accepted(state);
    } catch (refusal) {
      if (!(refusal instanceof server.Refusal)) throw refusal;
      if (this.state === state) this.fail(refusal);
    }
  }

  async accepted(state) {
    if (state.edit) {
      this.timeline.add("note", "Found again after a reload");
    } else {
      const sent = [...state.request.images, state.request.mask].reduce((sum, blob) => sum + (blob?.size ?? 0), 0);
      this.timeline.add("note", `Sending ${size(sent)}`);
      state.edit = await server.begin(formOf(state.request), state.key);
      this.timeline.add("note", "Accepted");
      await this.told.saved(state);
      if (this.isUnwanted) await server.cancel(state.edit.id);
    }
    this.look(state.edit);
  }

  look(edit) {
    this.watch = new Watch(edit, this.total, {
      event: (payload, meta) => this.arrived(payload, meta),
      dropped: (lastId) => this.moved("away", lastId ? `Dropped after event ${lastId}` : "Dropped"),
      resumed: (lastId) => this.moved("back", lastId ? `Resumed after event ${lastId}` : "Connected again"),
      ended: () => this.end(),
      failed: (refusal) => this.fail(refusal),
    });
    this.watch.dropsNext = this.dropsNext;
    this.dropsNext = false;
    this.told.moved();
  }

  moved(kind, label) {
    this.timeline.add(kind, label);
    byId("status").textContent = label;
    this.told.moved();
  }

  get isAway() {
    return Boolean(this.watch?.isAway);
  }

  arrived(payload, { bytes }) {
    const blob = pictureOf(payload);
    const address = blob ? this.outputs.addressOf(blob) : payload.url;
    const index = payload.image_index ?? 0;
    const isFinal = payload.type === "image_edit.completed";
    const label = this.label(payload, isFinal, index);
    const show = () => this.outputs.stage.show(address, label);
    this.timeline.add(isFinal ? "completed" : "partial", label, { bytes, address, chosen: show });
    this.outputs.add(index, { blob, address }, label, isFinal);
    byId("status").textContent = label;
  }

  label({ partial_image_index: at }, isFinal, index) {
    const what = isFinal ? "Completed" : `Partial image ${at + 1}${this.partials ? ` of ${Math.max(this.partials, at + 1)}` : ""}`;
    return this.total > 1 ? `Image ${index + 1}: ${what.toLowerCase()}` : what;
  }

  // Now, or after the first event of the edit to come.
  drop() {
    if (this.watch && this.isRunning && !this.watch.isAway) this.watch.drop();
    else this.dropsNext = !this.dropsNext;
  }

  // At once, or as soon as it has a name by which it can be cancelled.
  async cancel() {
    this.isUnwanted = true;
    if (this.state?.edit) await server.cancel(this.state.edit.id);
  }

  end() {
    const { state } = this;
    const took_ms = this.timeline.finish();
    this.forget();
    this.told.ended(state, took_ms);
  }

  fail(refusal) {
    const { state } = this;
    this.timeline.add("failed", refusal.code === "cancelled" ? "Cancelled" : "Failed");
    this.timeline.finish();
    this.watch?.close();
    this.forget();
    this.told.failed(state, refusal);
  }

  forget() {
    this.state = this.watch = null;
    this.isUnwanted = false;
  }
}
