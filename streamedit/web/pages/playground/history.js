// The edits that were made in this browser, the newest first.

import { byId, element } from "../dom.js";
import { ago } from "../format.js";
import * as store from "./store.js";

const MOST = 60;

export class History {
  // `opened(edit)`: somebody wants to see one again.
  constructor(opened) {
    this.opened = opened;
    byId("forget").addEventListener("click", () => this.forget());
  }

  // {id, at_ms, prompt, model, fields, images, mask, results, thumb, cost}
  async add(edit) {
    await store.put("edits", edit);
    const edits = await this.edits();
    await Promise.all(edits.slice(MOST).map(({ id }) => store.remove("edits", id)));
    await this.tell();
  }

  async edits() {
    return (await store.all("edits")).toSorted((one, other) => other.at_ms - one.at_ms);
  }

  async tell() {
    const edits = await this.edits();
    for (const address of this.addresses ?? []) URL.revokeObjectURL(address);
    this.addresses = [];
    byId("past").replaceChildren(...edits.map((edit) => this.item(edit)));
    byId("history").hidden = !edits.length;
  }

  item(edit) {
    const address = URL.createObjectURL(edit.thumb ?? edit.results[0]);
    this.addresses.push(address);
    const words = element("span", { class: "label" }, edit.prompt);
    const facts = element("span", { class: "quiet" }, `${edit.model} · ${ago(edit.at_ms / 1000, Date.now() / 1000)}`);
    const open = element("button", { type: "button" }, element("img", { src: address, alt: "" }), words, facts);
    const away = element("button", { type: "button", class: "away", "aria-label": `Forget ${edit.prompt}` }, "×");
    open.addEventListener("click", () => this.opened(edit));
    away.addEventListener("click", () => store.remove("edits", edit.id).then(() => this.tell()));
    return element("li", {}, open, away);
  }

  async forget() {
    await store.clear("edits");
    await this.tell();
  }
}
