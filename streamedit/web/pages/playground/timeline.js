// What happened and when, as marks on a track and as a list.

import { byId, element } from "../dom.js";
import { count, seconds } from "../format.js";

const TICK_MS = 100;

export class Timeline {
  constructor() {
    this.clear();
  }

  clear() {
    this.stop();
    this.marks = [];
    byId("events").replaceChildren();
    byId("track").replaceChildren();
    byId("events-empty").hidden = false;
    for (const id of ["elapsed", "first-event", "received", "cost"]) byId(id).textContent = "–";
    this.bytes = 0;
  }

  // `began_ms`: Unix time. An edit that was found again began before this page.
  start(began_ms) {
    this.clear();
    this.began_ms = began_ms;
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    byId("timeline").classList.add("running");
  }

  stop() {
    clearInterval(this.ticking);
    byId("timeline").classList.remove("running");
  }

  tick() {
    this.tell("elapsed", this.passed_ms());
    this.spread(this.passed_ms());
  }

  passed_ms() {
    return Date.now() - this.began_ms;
  }

  // `kind` is its colour; `bytes` and `address` of a picture, `chosen` what looking at it again does.
  add(kind, label, { bytes = 0, address = null, chosen = null } = {}) {
    const at_ms = this.passed_ms();
    this.bytes += bytes;
    if (bytes) byId("received").textContent = size(this.bytes);
    if (bytes && byId("first-event").textContent === "–") this.tell("first-event", at_ms);
    const mark = element("i", { class: kind });
    this.marks.push([at_ms, mark]);
    byId("track").append(mark);
    byId("events").append(card(kind, label, { at_ms, bytes, address, chosen }));
    byId("events").scrollTo({ left: byId("events").scrollWidth });
    byId("events-empty").hidden = true;
    this.spread(at_ms);
  }

  finish() {
    this.stop();
    const [last_ms] = this.marks.at(-1) ?? [0];
    this.tell("elapsed", last_ms);
    this.spread(last_ms);
    return last_ms;
  }

  cost(text) {
    byId("cost").textContent = text === "" ? "not known" : Number(text) === 0 ? "free" : `$${text}`;
  }

  tell(id, time_ms) {
    byId(id).textContent = seconds(time_ms / 1000);
  }

  spread(whole_ms) {
    for (const [at_ms, mark] of this.marks) mark.style.left = `${whole_ms ? Math.min(at_ms / whole_ms, 1) * 100 : 0}%`;
  }
}

function card(kind, label, { at_ms, bytes, address, chosen }) {
  const picture = address ? element("img", { src: address, alt: "" }) : element("span", { class: "sign", "aria-hidden": "true" });
  const facts = element("span", { class: "quiet" }, `+${seconds(at_ms / 1000)}${bytes ? ` · ${size(bytes)}` : ""}`);
  const words = [picture, element("span", { class: "label" }, label), facts];
  const inner = chosen ? element("button", { type: "button" }, ...words) : element("div", {}, ...words);
  if (chosen) inner.addEventListener("click", chosen);
  return element("li", { class: kind }, inner);
}

export function size(bytes) {
  if (bytes < 1000) return `${count(bytes)} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
