// The photograph that is edited, and the mask that is painted on it.

import { byId } from "../dom.js";
import { Brush } from "./brush.js";
import { Mask } from "./mask.js";
import { decoded } from "./pictures.js";

export class Easel {
  // `told`: {replaced(), painted(), why(), looksBack()}: another photograph is there; something was painted; why nothing can be,
  // or null; whoever paints wants to see what was before.
  constructor(stage, told) {
    Object.assign(this, { stage, told });
    this.shown = null;
    this.showing = Promise.resolve();
    this.isPaintable = false;
    this.mask = new Mask(byId("mask"), () => this.painted());
    this.brush = new Brush(this.mask);
    byId("mask-toggle").addEventListener("click", () => this.toggle());
    byId("feather").addEventListener("input", () => this.soften());
    for (const name of ["undo", "redo", "invert", "clear"]) byId(name).addEventListener("click", () => this.mask[name]());
  }

  get isMasking() {
    return byId("mask-toggle").getAttribute("aria-pressed") === "true";
  }

  // Something was painted, and it counts.
  get isMasked() {
    return this.isMasking && !this.why() && this.mask.steps.length > 0;
  }

  // What results are compared with; null where this browser cannot show it.
  get original() {
    return this.isPaintable && this.shown ? { address: this.shown.address, name: this.shown.file.name } : null;
  }

  // The photograph at the head of the list; null for none.
  async show(first) {
    byId("drop-zone").hidden = Boolean(first);
    byId("view").hidden = byId("tools").hidden = !first;
    if (first !== this.shown) this.showing = this.replace(first);
    await this.showing;
  }

  async replace(first) {
    this.shown = first;
    this.stage.clear();
    this.told.replaced();
    if (!first) return;
    this.isPaintable = await this.stage.show(first.address, first.file.name);
    const image = this.isPaintable ? await decoded(first.address) : null;
    this.mask.reset(image?.naturalWidth || 1, image?.naturalHeight || 1);
    if (!this.isPaintable) this.stage.cannotShow(first.file.name);
  }

  why() {
    const unseen = "This browser cannot show the picture, so nothing can be painted on it.";
    return this.told.why() ?? (this.isPaintable ? null : unseen);
  }

  // `canPaint`: the photograph itself is looked at; `isBusy`: an edit runs.
  tell(canPaint, isBusy) {
    const why = this.why();
    byId("mask-toggle").disabled = Boolean(why) || isBusy;
    byId("mask-why").textContent = why ?? "";
    byId("mask-tools").hidden = byId("mask").hidden = !(this.isMasking && !why && canPaint);
  }

  async toggle() {
    const turned = await this.told.looksBack();
    this.use(turned || !this.isMasking);
    if (this.isMasking) byId("mask").focus({ preventScroll: true });
  }

  use(isMasking, feather = byId("feather").value) {
    byId("mask-toggle").setAttribute("aria-pressed", String(isMasking));
    byId("feather").value = feather;
    this.soften();
  }

  painted() {
    byId("undo").disabled = byId("clear").disabled = !this.mask.steps.length;
    byId("redo").disabled = !this.mask.undone.length;
    this.told.painted();
  }

  soften() {
    const { canvas } = this.mask;
    this.mask.feather = (Number(byId("feather").value) / 1000) * Math.min(canvas.width, canvas.height);
    const shown = this.mask.feather * (canvas.clientWidth / canvas.width || 0);
    canvas.style.filter = shown ? `blur(${shown / 2}px)` : "";
    this.told.painted();
  }

  // A mask as it is sent, which was kept.
  async restore(sent) {
    const address = URL.createObjectURL(sent);
    const image = await decoded(address);
    URL.revokeObjectURL(address);
    if (image) this.mask.restore(image);
  }
}
