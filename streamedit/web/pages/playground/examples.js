// Prompts that work on the chosen model, as they are or added to what is written already.

import { byId, element } from "../dom.js";

const MOST = 5;
const FAVOURITES = ["golden hour", "sketch", "replace the background", "black and white", "watercolour", "vignette", "cinematic", "blur the background"];
const WITH_A_MASK = ["erase", "recolour", "sparkles", "black and white", "pixelate", "blur", "feather"];
const ANYTHING = [
  "Make it golden hour",
  "Add a red hat to the person",
  "Replace the background with a beach",
  "Turn it into a watercolour painting",
  "Remove the people in the background",
  "Make it a winter evening with falling snow",
];
const LACKS = { mask: "needs a mask", image: "needs a second image" };

export class Examples {
  // `have()`: {mask, image}: what there is for instructions that need it.
  constructor(have) {
    this.have = have;
    this.repertoire = [];
    byId("search").addEventListener("input", () => this.list());
  }

  offer(repertoire) {
    this.repertoire = repertoire ?? [];
    this.tell();
  }

  tell() {
    const chips = this.few().map((text) => this.chip(text));
    byId("examples").replaceChildren(...[...chips, ...this.more()].map((chip) => element("li", {}, chip)));
  }

  more() {
    if (!this.repertoire.length) return [];
    const more = element("button", { type: "button", id: "all-examples", class: "chip more" }, `All ${this.repertoire.length} …`);
    more.addEventListener("click", () => this.open());
    return [more];
  }

  few() {
    if (!this.repertoire.length) return ANYTHING;
    const able = this.repertoire.filter((row) => !this.lack(row));
    const named = (name) => able.find((row) => row.name === name)?.example;
    const wanted = this.have().mask ? [...WITH_A_MASK, ...FAVOURITES] : FAVOURITES;
    const found = [...new Set(wanted.map(named).filter(Boolean))];
    return (found.length ? found : able.map(({ example }) => example)).slice(0, MOST);
  }

  lack({ needs }) {
    return needs && !this.have()[needs] ? LACKS[needs] : null;
  }

  chip(text) {
    const chip = element("button", { type: "button", class: "chip" }, text);
    chip.addEventListener("click", () => this.use(text));
    return chip;
  }

  // An editor that knows instructions takes several of them.
  use(text) {
    const prompt = byId("prompt");
    const written = prompt.value.trim();
    prompt.value = written && this.repertoire.length ? `${written}, ${text}` : text;
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
    prompt.focus();
  }

  open() {
    byId("search").value = "";
    this.list();
    byId("examples-dialog").showModal();
  }

  list() {
    const sought = byId("search").value.trim().toLowerCase();
    const found = this.repertoire.filter((row) => `${row.name} ${row.family} ${row.example} ${row.kinds.join(" ")}`.toLowerCase().includes(sought));
    const families = [...new Set(found.map(({ family }) => family))];
    const shown = families.map((family) => this.family(family, found.filter((row) => row.family === family)));
    byId("repertoire").replaceChildren(...(shown.length ? shown : [element("p", { class: "quiet" }, "Nothing by that name.")]));
  }

  family(name, rows) {
    return element("section", {}, element("h3", {}, name), element("ul", {}, ...rows.map((row) => element("li", {}, this.entry(row)))));
  }

  entry(row) {
    const lack = this.lack(row);
    const entry = element("button", { type: "button", class: "chip", title: row.name }, row.example);
    entry.disabled = Boolean(lack);
    if (lack) entry.append(element("span", { class: "quiet" }, ` ${lack}`));
    entry.addEventListener("click", () => {
      byId("examples-dialog").close();
      this.use(row.example);
    });
    return entry;
  }
}
