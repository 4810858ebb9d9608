// The input images: dropped, pasted, chosen. The first is the one that is edited.

import { byId, element } from "../dom.js";
import { decoded } from "./pictures.js";

export class Images {
  // `changed` is called whenever there are others, or in another order.
  constructor(changed) {
    this.all = [];
    this.changed = changed;
    this.limit = 16;
    this.isLocked = false;
    byId("file").addEventListener("change", () => this.chosen());
    byId("choose").addEventListener("click", () => byId("file").click());
    document.addEventListener("paste", (event) => this.pasted(event));
    this.listenToDrops();
  }

  get files() {
    return this.all.map(({ file }) => file);
  }

  get first() {
    return this.all[0] ?? null;
  }

  chosen() {
    this.add([...byId("file").files]);
    byId("file").value = "";
  }

  pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])].filter(isImage);
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  listenToDrops() {
    const shown = (is) => (byId("drop-here").hidden = !is);
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      shown(true);
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget || shown(false));
    document.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      shown(false);
      this.add([...event.dataTransfer.files].filter(isImage));
    });
  }

  // While they are edited they stay what they are.
  lock(is) {
    this.isLocked = is;
    document.querySelector(".images").disabled = is;
  }

  add(files) {
    if (this.isLocked) return;
    for (const file of files) this.all.push({ file, address: URL.createObjectURL(file) });
    this.told();
  }

  // These instead of all that are there.
  replace(files) {
    for (const { address } of this.all) URL.revokeObjectURL(address);
    this.all = [];
    this.add(files);
  }

  remove(index) {
    const [gone] = this.all.splice(index, 1);
    URL.revokeObjectURL(gone.address);
    this.told();
  }

  lead(index) {
    this.all.unshift(...this.all.splice(index, 1));
    this.told();
  }

  allow(limit) {
    this.limit = limit;
    this.note();
  }

  told() {
    const add = element("button", { type: "button", class: "add", "aria-label": "Add images" }, "+");
    add.addEventListener("click", () => byId("file").click());
    byId("images").replaceChildren(...this.all.map((image, index) => this.item(image, index)), element("li", {}, add));
    this.note();
    this.changed();
  }

  note() {
    const { length } = this.all;
    const many = length > this.limit ? `the model takes ${this.limit} at most` : length > 1 ? `${length}, the first is edited` : "";
    byId("images-note").textContent = many;
    byId("images-note").classList.toggle("flag", length > this.limit);
  }

  item({ file, address }, index) {
    const picture = element("img", { src: address, alt: "" });
    decoded(address).then((image) => image ?? picture.replaceWith(element("span", { class: "sign" }, endingOf(file.name))));
    const lead = element("button", { type: "button", class: "thumb", "aria-label": index ? `Edit ${file.name} instead` : file.name }, picture);
    const away = element("button", { type: "button", class: "away", "aria-label": `Remove ${file.name}` }, "×");
    lead.addEventListener("click", () => index && this.lead(index));
    away.addEventListener("click", () => this.remove(index));
    return element("li", { title: file.name }, lead, away);
  }
}

// Of HEIC and the like a browser knows no type.
const isImage = ({ type, name }) => type.startsWith("image/") || /\.(heic|heif|avif|tiff?|jp2|bmp)$/i.test(name);
const endingOf = (name) => name.split(".").at(-1).slice(0, 5).toUpperCase();
