// What went wrong, in words, where the next thing to do is a button.

import { byId, element } from "../dom.js";
import { adviceOn } from "./advice.js";

export class Trouble {
  // `places`: name -> what brings somebody there; `use(prompt)`: a prompt that will do.
  constructor(places, use) {
    this.places = places;
    this.use = use;
  }

  clear() {
    byId("trouble").hidden = true;
    byId("trouble").replaceChildren();
    for (const each of document.querySelectorAll("#request [aria-invalid]")) each.removeAttribute("aria-invalid");
  }

  tell(refusal) {
    this.clear();
    const { message, details, advice, place, suggestions } = adviceOn(refusal);
    const parts = [element("p", {}, element("strong", {}, message)), element("p", {}, advice)];
    if (suggestions.length) parts.push(element("ul", { class: "chips" }, ...suggestions.map((text) => element("li", {}, this.chip(text)))));
    if (details) parts.push(element("details", {}, element("summary", {}, "All that the server said"), element("p", {}, details)));
    const go = place && this.way(place);
    if (go) parts.push(go);
    byId("trouble").append(...parts);
    byId("trouble").hidden = false;
    byId(place)?.setAttribute?.("aria-invalid", "true");
  }

  way(place) {
    const act = this.places[place] ?? (byId(place) && (() => byId(place).focus()));
    if (!act) return null;
    const way = element("button", { type: "button", class: "small" }, "Take me there");
    way.addEventListener("click", act);
    return way;
  }

  chip(text) {
    const chip = element("button", { type: "button", class: "chip" }, text);
    chip.addEventListener("click", () => this.use(text));
    return chip;
  }
}
