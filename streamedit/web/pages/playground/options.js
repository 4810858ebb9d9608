// The controls of a request, and what the chosen model does with each of them.

import { byId, element } from "../dom.js";

const OPTIONS = ["size", "quality", "output_format", "background", "n", "partial_images"];
const SILENT = { n: "1", partial_images: "0" };

export class Options {
  constructor(changed) {
    this.models = [];
    this.changed = changed;
    byId("model").addEventListener("change", () => this.choose());
    byId("request").addEventListener("input", () => this.tell());
    byId("add-extra").addEventListener("click", () => this.addExtra().querySelector("input").focus());
  }

  get model() {
    return this.models.find(({ id }) => id === byId("model").value) ?? null;
  }

  get can() {
    return this.model?.capabilities ?? null;
  }

  // The list of `/v1/models`; `wished` is chosen where it is there.
  offer(models, wished) {
    this.models = models;
    byId("model").replaceChildren(...models.map(({ id }) => element("option", { value: id }, id)));
    const chosen = models.find(({ id }) => id === wished) ?? models.find((each) => each.default) ?? models[0];
    if (chosen) byId("model").value = chosen.id;
    this.choose();
  }

  choose() {
    const { model, can } = this;
    byId("model-note").textContent = model ? summary(model) : "This server offers no model to you.";
    for (const name of OPTIONS) this.judge(name, model && reason(name, model));
    for (const option of byId("output_format").options) {
      option.disabled = Boolean(option.value && can?.formats.length && !can.formats.includes(option.value));
      if (option.disabled && option.selected) byId("output_format").value = "";
    }
    const extras = can?.extra_parameters ?? [];
    byId("extra-names").replaceChildren(...extras.map((name) => element("option", {}, name)));
    byId("extras-note").textContent = extras.length ? `: ${extras.join(", ")}` : "";
    this.tell();
    this.changed();
  }

  // A control that has no effect cannot be used, and says why.
  judge(name, why) {
    const told = document.querySelector(`[data-for="${name}"] .why`);
    byId(name).disabled = Boolean(why);
    told.id = `why-${name}`;
    told.textContent = why ?? "";
    told.hidden = !why;
    if (why) byId(name).setAttribute("aria-describedby", told.id);
    else byId(name).removeAttribute("aria-describedby");
  }

  tell() {
    for (const name of ["n", "partial_images"]) byId(`${name}-shown`).textContent = byId(name).value;
  }

  // What is asked for beside OpenAI's defaults: [[name, text]].
  fields() {
    const given = OPTIONS.filter((name) => !byId(name).disabled).map((name) => [name, byId(name).value.trim()]);
    return [...given.filter(([name, value]) => value && value !== SILENT[name]), ...this.extras()];
  }

  use(fields) {
    const told = new Map(fields);
    for (const name of OPTIONS) byId(name).value = told.get(name) ?? SILENT[name] ?? "";
    byId("extras").replaceChildren();
    for (const [name, value] of fields) if (!OPTIONS.includes(name)) this.addExtra(name, value);
    byId("more").open = Boolean(byId("extras").children.length);
    this.tell();
  }

  extras() {
    const rows = [...byId("extras").children].map((row) => [...row.querySelectorAll("input")].map((input) => input.value.trim()));
    return rows.filter(([name, value]) => name && value);
  }

  addExtra(name = "", value = "") {
    const told = (label, list) => element("input", { "aria-label": label, placeholder: label.toLowerCase(), list, autocomplete: "off", spellcheck: "false" });
    const [first, second] = [told("Name", "extra-names"), told("Value", null)];
    const away = element("button", { type: "button", class: "small", "aria-label": "Remove the field" }, "×");
    const row = element("li", {}, first, second, away);
    [first.value, second.value] = [name, value];
    away.addEventListener("click", () => row.remove());
    byId("extras").append(row);
    return row;
  }
}

function summary({ owned_by: provider, capabilities: can }) {
  const told = [
    can.partial_images ? "shows partial images" : can.streams ? "streams" : "shows the result alone",
    can.mask ? "takes a mask" : "takes no mask",
    can.max_images === 1 ? "one image" : `up to ${can.max_images} images`,
    can.repertoire ? `knows ${can.repertoire.length} instructions` : null,
  ];
  return `${provider}: ${told.filter(Boolean).join(", ")}.`;
}

// Why a model can do nothing with an option; null when it can.
function reason(name, { id, capabilities: can }) {
  const how = can.parameters[name];
  if (name === "partial_images" && how === "dropped") return `${id} shows none.`;
  if (how === "refused") return `${id} refuses it.`;
  return how === "dropped" ? `No effect on ${id}.` : null;
}
