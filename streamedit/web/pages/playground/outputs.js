// The pictures of an edit: each of its images as far as it has come, beside what they were made of.

import { byId, element } from "../dom.js";
import { stemOf, suffixOf } from "./pictures.js";

// As long as a picture needs to fade in, and to be seen.
const DWELL_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 100 : 450;

const pause = (time_ms) => new Promise((done) => setTimeout(done, time_ms));

export class Outputs {
  // `chosen(isOriginal)`: another picture is looked at.
  constructor(stage, chosen) {
    this.stage = stage;
    this.chosen = chosen;
    this.clear();
  }

  clear() {
    for (const address of this.addresses ?? []) URL.revokeObjectURL(address);
    this.addresses = [];
    this.images = new Map();
    this.original = null;
    this.selected = null;
    this.turn = 0;
    this.isFinished = false;
    this.shown = Promise.resolve();
    byId("results").hidden = true;
  }

  // `original`: {address, name} of what is edited; null when this browser cannot show it. `selected`: the image to be shown.
  async begin(original, selected = 0) {
    this.clear();
    this.original = original;
    this.selected = selected;
    this.tell();
    await this.stage.compareWith(null);
    if (original) await this.stage.show(original.address, "The original");
  }

  // A blob and its address, for as long as these pictures are shown.
  addressOf(blob) {
    const address = URL.createObjectURL(blob);
    this.addresses.push(address);
    return address;
  }

  // A picture of image `index`: {blob, address}, `isFinal` or on its way. Pictures that come at once are shown one after another.
  add(index, { blob, address }, label, isFinal) {
    this.images.set(index, { blob, address, label, isFinal });
    this.tell();
    if (index === this.selected) this.follow(address, label);
  }

  follow(address, label) {
    const turn = this.turn;
    this.shown = this.shown.then(async () => {
      if (turn !== this.turn) return;
      await this.stage.show(address, label);
      await pause(DWELL_MS);
    });
  }

  // All has come, and was shown: now it can be compared.
  async finish() {
    const { turn } = this;
    this.isFinished = true;
    await this.shown;
    if (turn === this.turn) await this.select(this.selected);
    else this.tell();
  }

  // `index`: of an image, or null for the original.
  async select(index) {
    this.turn += 1;
    this.selected = index;
    const image = index === null ? null : this.images.get(index);
    this.tell();
    this.chosen(index === null);
    await this.stage.compareWith(null);
    if (image) await this.stage.show(image.address, image.label);
    else if (this.original) await this.stage.show(this.original.address, "The original");
    if (image?.isFinal && this.original) await this.stage.compareWith(this.original.address);
  }

  get current() {
    return this.selected === null ? null : (this.images.get(this.selected) ?? null);
  }

  get finals() {
    return [...this.images.entries()].filter(([, { isFinal }]) => isFinal).toSorted(([one], [other]) => one - other);
  }

  fileOf({ blob, address }, index) {
    const name = `${stemOf(this.original?.name ?? "edit")}-edited${index ? `-${index + 1}` : ""}`;
    return blob ? new File([blob], `${name}.${suffixOf(blob)}`, { type: blob.type }) : { name, address };
  }

  tell() {
    const known = [...this.images.entries()].toSorted(([one], [other]) => one - other);
    byId("results").hidden = !known.length && this.selected === null;
    const choices = known.map(([index, image]) => this.choice(index, image.address, `Image ${index + 1}`));
    byId("outputs").replaceChildren(...(this.original ? [this.choice(null, this.original.address, "Before")] : []), ...choices);
    const image = this.current;
    const ready = Boolean(image?.isFinal);
    byId("compare").disabled = !ready || !this.original;
    byId("continue").disabled = !ready || !image.blob || !this.isFinished;
    this.link(ready ? image : null);
  }

  choice(index, address, label) {
    const pressed = String(index === this.selected);
    const choice = element("button", { type: "button", class: "thumb", "aria-pressed": pressed }, element("img", { src: address, alt: "" }), label);
    choice.addEventListener("click", () => this.select(index).then(() => this.refocus(index)));
    return choice;
  }

  // The button that was pressed was made anew.
  refocus(index) {
    const choices = [...byId("outputs").children];
    const at = index === null ? 0 : [...this.images.keys()].toSorted((one, other) => one - other).indexOf(index) + (this.original ? 1 : 0);
    choices[at]?.focus({ preventScroll: true });
  }

  link(image) {
    const link = byId("download");
    link.hidden = !image;
    if (!image) return;
    link.href = image.address;
    link.download = this.fileOf(image, this.selected).name;
    if (!image.blob) link.target = "_blank";
  }
}
