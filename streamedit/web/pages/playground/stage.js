// Where pictures are shown: one above the other while they fade, beside what they were made of, as large as there is room or larger.

import { byId, element } from "../dom.js";
import { decoded } from "./pictures.js";

const ZOOMS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8];
const MOST_FITTED = 3;

export class Stage {
  constructor() {
    this.zoom = null;
    this.natural = null;
    this.before = null;
    this.shows = 0;
    new ResizeObserver(() => this.layout()).observe(byId("view"));
    byId("zoom-in").addEventListener("click", () => this.step(1));
    byId("zoom-out").addEventListener("click", () => this.step(-1));
    byId("zoom-fit").addEventListener("click", () => this.zoomTo(null));
    byId("compare").addEventListener("input", () => this.compare());
    byId("layers").addEventListener("pointerdown", (event) => this.drag(event));
    byId("view").addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  // The picture at an address, faded in over the one that is there. False when this browser cannot show it.
  async show(address, label) {
    const mine = ++this.shows;
    const image = await decoded(address);
    if (mine !== this.shows) return true;
    if (!image) return false;
    this.natural = [image.naturalWidth || 1024, image.naturalHeight || 1024];
    Object.assign(image, { className: "layer", alt: label, draggable: false });
    const above = [...byId("layers").querySelectorAll(".layer:not(.before)")];
    byId("layers").append(image);
    for (const each of above) each.alt = "";
    this.layout();
    Promise.allSettled(image.getAnimations().map((fade) => fade.finished)).then(() => above.forEach((each) => each.remove()));
    return true;
  }

  // In place of a picture that only its provider can read.
  cannotShow(name) {
    this.natural = null;
    byId("layers").replaceChildren(element("p", { class: "unshown" }, `${name} cannot be shown by this browser. It can be edited all the same.`));
  }

  // What the picture was made of, to be drawn over its left side as far as the slider says; null for nothing.
  async compareWith(address) {
    this.before?.remove();
    this.before = null;
    byId("compare").value = 0;
    this.compare();
    const image = address && (await decoded(address));
    if (!image) return;
    Object.assign(image, { className: "layer before", alt: "", draggable: false });
    this.before = image;
    byId("layers").append(image);
    this.compare();
  }

  compare() {
    const percent = Number(byId("compare").value);
    byId("layers").style.setProperty("--before", `${percent}%`);
    byId("divider").hidden = !this.before || percent <= 0 || percent >= 100;
    byId("divider").style.left = `${percent}%`;
  }

  // The picture itself is a handle of the slider, too.
  drag(event) {
    if (!this.before || event.button !== 0) return;
    const follow = ({ clientX }) => {
      const box = byId("layers").getBoundingClientRect();
      byId("compare").value = ((clientX - box.left) / box.width) * 100;
      this.compare();
    };
    event.preventDefault();
    byId("layers").setPointerCapture(event.pointerId);
    byId("layers").onpointermove = follow;
    byId("layers").onpointerup = byId("layers").onpointercancel = () => (byId("layers").onpointermove = null);
    follow(event);
  }

  clear() {
    this.shows += 1;
    byId("layers").replaceChildren();
    this.before = null;
    this.zoomTo(null);
  }

  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.step(event.deltaY < 0 ? 1 : -1);
  }

  step(by) {
    const now = this.scale();
    const next = by > 0 ? ZOOMS.find((zoom) => zoom > now * 1.01) : ZOOMS.findLast((zoom) => zoom < now * 0.99);
    if (next) this.zoomTo(next);
  }

  // What is in the middle stays there.
  zoomTo(zoom) {
    const view = byId("view");
    const middle = [(view.scrollLeft + view.clientWidth / 2) / view.scrollWidth, (view.scrollTop + view.clientHeight / 2) / view.scrollHeight];
    this.zoom = zoom;
    this.layout();
    view.scrollTo(middle[0] * view.scrollWidth - view.clientWidth / 2, middle[1] * view.scrollHeight - view.clientHeight / 2);
  }

  scale() {
    if (this.zoom !== null || !this.natural) return this.zoom ?? 1;
    const { clientWidth, clientHeight } = byId("view");
    const padding = 2 * Number.parseFloat(getComputedStyle(byId("view")).paddingLeft);
    const room = [Math.max(clientWidth - padding, 1), Math.max(clientHeight - padding, 1)];
    return Math.min(room[0] / this.natural[0], room[1] / this.natural[1], MOST_FITTED);
  }

  layout() {
    if (!this.natural) return;
    const scale = this.scale();
    byId("sheet").style.width = `${Math.floor(this.natural[0] * scale)}px`;
    byId("sheet").style.height = `${Math.floor(this.natural[1] * scale)}px`;
    byId("zoom-shown").textContent = this.zoom === null ? "Fit" : `${Math.round(scale * 100)}%`;
    byId("view").classList.toggle("zoomed", this.zoom !== null);
  }
}
