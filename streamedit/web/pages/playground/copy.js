// The dialog that shows a request as code.

import { byId, element } from "../dom.js";
import { key } from "./server.js";
import { LANGUAGES } from "./snippets.js";

const BASE = new URL(".", document.baseURI).href.replace(/\/$/, "");

export class Copy {
  constructor() {
    this.language = LANGUAGES[0][0];
    this.mask = null;
    byId("copy").addEventListener("click", () => this.copy());
    byId("languages").addEventListener("keydown", (event) => this.move(event));
  }

  show(request) {
    this.request = request;
    this.tell();
    byId("copy-dialog").showModal();
  }

  tell() {
    const write = LANGUAGES.find(([name]) => name === this.language)[1];
    byId("languages").replaceChildren(...LANGUAGES.map(([name]) => this.tab(name)));
    byId("code").textContent = write(this.request, { base: BASE, keyed: Boolean(key()) });
    byId("copy").textContent = "Copy";
    byId("copy-note").textContent = this.note();
    this.offerMask();
  }

  note() {
    const names = this.request.images.map(({ name }) => name).join(", ");
    const files = `Run it where ${names}${this.request.mask ? " and mask.png" : ""} can be found.`;
    return key() ? `${files} Your key is not in it: put it into STREAMEDIT_KEY.` : files;
  }

  tab(name) {
    const chosen = name === this.language;
    const tab = element("button", { type: "button", role: "tab", "aria-selected": String(chosen), tabindex: chosen ? 0 : -1, "aria-controls": "code" }, name);
    tab.addEventListener("click", () => this.choose(name));
    return tab;
  }

  choose(name) {
    this.language = name;
    this.tell();
    byId("languages").querySelector("[aria-selected=true]").focus();
  }

  move({ key: pressed }) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[pressed];
    if (!by) return;
    const at = LANGUAGES.findIndex(([name]) => name === this.language);
    this.choose(LANGUAGES[(at + by + LANGUAGES.length) % LANGUAGES.length][0]);
  }

  offerMask() {
    if (this.mask) URL.revokeObjectURL(this.mask);
    this.mask = this.request.mask && URL.createObjectURL(this.request.mask);
    byId("mask-download").hidden = !this.mask;
    if (this.mask) byId("mask-download").href = this.mask;
  }

  // Pages without TLS have no clipboard: then it is selected, to be copied by hand.
  async copy() {
    try {
      await navigator.clipboard.writeText(byId("code").textContent);
      byId("copy").textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(byId("code"));
      byId("copy").textContent = "Press Ctrl C";
    }
  }
}
