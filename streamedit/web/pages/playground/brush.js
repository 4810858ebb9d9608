// Painting the mask, with a mouse, a pen, a finger or the keyboard.

import { byId } from "../dom.js";

const KEY_STEP = 0.02;
const KEY_LEAP = 0.1;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Brush {
  constructor(mask) {
    this.mask = mask;
    this.canvas = mask.canvas;
    this.erases = false;
    this.at = null;
    this.listen();
  }

  // In the picture's pixels: a part of its shorter side, which is what somebody sees.
  get diameter() {
    const { width, height } = this.canvas;
    return Math.max(1, (Number(byId("brush-size").value) / 200) * Math.min(width, height));
  }

  erase(erases) {
    this.erases = erases;
    byId("brush").setAttribute("aria-pressed", String(!erases));
    byId("eraser").setAttribute("aria-pressed", String(erases));
  }

  listen() {
    const { canvas, mask } = this;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => mask.end());
    canvas.addEventListener("pointerleave", () => this.hide());
    canvas.addEventListener("focus", () => this.place(this.at ?? this.middle()));
    canvas.addEventListener("blur", () => this.hide());
    canvas.addEventListener("keydown", (event) => this.key(event));
    byId("brush").addEventListener("click", () => this.erase(false));
    byId("eraser").addEventListener("click", () => this.erase(true));
    byId("brush-size").addEventListener("input", () => this.at && this.place(this.at));
  }

  down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.mask.begin(this.point(event), this.diameter, this.erases);
  }

  moved(event) {
    this.place(this.point(event));
    if (!this.mask.stroke) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) this.mask.extend(this.point(each));
  }

  point({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * this.canvas.width, ((clientY - box.top) / box.height) * this.canvas.height];
  }

  key(event) {
    if (event.key in ARROWS) this.step(ARROWS[event.key], event.shiftKey ? KEY_LEAP : KEY_STEP);
    else if (event.key === " ") this.dab();
    else if (!this.command(event)) return;
    event.preventDefault();
  }

  command({ key, ctrlKey, metaKey, shiftKey }) {
    if ((ctrlKey || metaKey) && key.toLowerCase() === "z") return shiftKey ? this.mask.redo() : this.mask.undo(), true;
    if (ctrlKey || metaKey) return false;
    const commands = {
      b: () => this.erase(false),
      e: () => this.erase(true),
      i: () => this.mask.invert(),
      "[": () => this.resize(-5),
      "]": () => this.resize(5),
    };
    commands[key]?.();
    return key in commands;
  }

  resize(by) {
    byId("brush-size").valueAsNumber += by;
    this.place(this.at);
  }

  step([dx, dy], part) {
    const { width, height } = this.canvas;
    const by = part * Math.min(width, height);
    const [x, y] = this.at;
    const to = [Math.min(Math.max(x + dx * by, 0), width), Math.min(Math.max(y + dy * by, 0), height)];
    this.place(to);
  }

  dab() {
    this.mask.begin(this.at, this.diameter, this.erases);
    this.mask.end();
  }

  middle() {
    return [this.canvas.width / 2, this.canvas.height / 2];
  }

  // The ring that shows where the brush is, and how large.
  place(at) {
    this.at = at;
    const ring = byId("crosshair");
    const scale = this.canvas.clientWidth / this.canvas.width;
    ring.hidden = false;
    ring.style.left = `${at[0] * scale}px`;
    ring.style.top = `${at[1] * scale}px`;
    ring.style.width = ring.style.height = `${this.diameter * scale}px`;
  }

  hide() {
    byId("crosshair").hidden = true;
  }
}
