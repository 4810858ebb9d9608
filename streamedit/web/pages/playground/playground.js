// The playground: somebody chooses a photograph, paints a mask, writes what should change, and watches it happen.

import { byId } from "../dom.js";
import { Brush } from "./brush.js";
import { Copy } from "./copy.js";
import { Examples } from "./examples.js";
import { History } from "./history.js";
import { Images } from "./images.js";
import { Mask } from "./mask.js";
import { Options } from "./options.js";
import { Outputs } from "./outputs.js";
import { decoded, thumbnail } from "./pictures.js";
import { Run } from "./run.js";
import * as server from "./server.js";
import { Stage } from "./stage.js";
import * as store from "./store.js";
import { Timeline } from "./timeline.js";
import { Trouble } from "./trouble.js";

const SAVE_MS = 400;
const KEY_BYTES = 16;

const stage = new Stage();
const timeline = new Timeline();
const mask = new Mask(byId("mask"), () => maskChanged());
const brush = new Brush(mask);
const examples = new Examples(() => ({ mask: isMasked(), image: images.all.length > 1 }));
const options = new Options(() => modelChanged());
const images = new Images(() => imagesChanged());
const outputs = new Outputs(stage, () => tellTools());
const copy = new Copy();
const history = new History((edit) => lookBack(edit));
const run = new Run(timeline, outputs, { saved, moved: tellDrop, ended, failed });
const trouble = new Trouble(
  {
    key: () => byId("key-open").click(),
    mask: () => byId("mask-toggle").focus(),
    images: () => (byId("images").querySelector(".add") ?? byId("choose")).focus(),
    examples: () => examples.open(),
  },
  (prompt) => {
    byId("prompt").value = prompt;
    trouble.clear();
    byId("prompt").focus();
  },
);

let shownFirst = null;
let showing = Promise.resolve();
let isPaintable = false;
let saving = null;
let isRestoring = true;

const isMasking = () => byId("mask-toggle").getAttribute("aria-pressed") === "true";
const isMasked = () => isMasking() && isPaintable && Boolean(options.can?.mask) && mask.steps.length > 0;

// Pictures and their mask

async function imagesChanged() {
  const { first } = images;
  byId("drop-zone").hidden = Boolean(first);
  byId("view").hidden = !first;
  if (first !== shownFirst && !run.isRunning) showing = showFirst(first);
  await showing;
  tellTools();
  examples.tell();
  save();
}

async function showFirst(first) {
  shownFirst = first;
  outputs.clear();
  timeline.clear();
  stage.clear();
  if (!first) return;
  isPaintable = await stage.show(first.address, first.file.name);
  const image = isPaintable ? await decoded(first.address) : null;
  mask.reset(image?.naturalWidth || 1, image?.naturalHeight || 1);
  if (!isPaintable) stage.cannotShow(first.file.name);
}

function maskChanged() {
  byId("undo").disabled = !mask.steps.length;
  byId("redo").disabled = !mask.undone.length;
  byId("clear").disabled = !mask.steps.length;
  if (isRestoring) return;
  examples.tell();
  save();
}

function tellTools() {
  const isOriginal = outputs.selected === null;
  const why = maskRefusal();
  byId("tools").hidden = !images.first;
  byId("mask-toggle").disabled = Boolean(why) || run.isRunning;
  byId("mask-why").textContent = why ?? "";
  const paints = isMasking() && !why && isOriginal;
  byId("mask-tools").hidden = !paints;
  byId("mask").hidden = !paints;
}

function maskRefusal() {
  if (options.can && !options.can.mask) return `${options.model.id} takes no mask.`;
  return isPaintable ? null : "This browser cannot show the picture, so nothing can be painted on it.";
}

function soften() {
  mask.feather = (Number(byId("feather").value) / 1000) * Math.min(mask.canvas.width, mask.canvas.height);
  const shown = mask.feather * (mask.canvas.clientWidth / mask.canvas.width || 0);
  byId("mask").style.filter = shown ? `blur(${shown / 2}px)` : "";
  save();
}

// The model

async function offerModels(wished) {
  try {
    options.offer(await server.models(), wished);
  } catch (refusal) {
    if (!(refusal instanceof server.Refusal)) throw refusal;
    if (refusal.status === 401) askForKey();
    else trouble.tell(refusal);
  }
}

function modelChanged() {
  images.allow(options.can?.max_images ?? 16);
  examples.offer(options.can?.repertoire);
  tellTools();
  save();
}

function askForKey() {
  byId("key").value = server.key();
  byId("key-dialog").showModal();
}

// The edit

async function asked() {
  return {
    model: options.model?.id ?? "",
    prompt: byId("prompt").value.trim(),
    images: images.files,
    mask: isMasked() ? await mask.png() : null,
    fields: options.fields(),
  };
}

async function edit() {
  trouble.clear();
  const lack = lacking();
  if (lack) return trouble.tell(lack);
  const state = { id: "running", key: randomKey(), at_ms: Date.now(), request: await asked(), edit: null };
  await store.put("state", state);
  await follow(state);
}

async function follow(state) {
  tellRunning(true);
  outputs.begin(original());
  tellTools();
  scrollIntoSight();
  await run.start(state);
}

// What results are compared with; null where this browser cannot show it.
function original() {
  return isPaintable ? { address: images.first.address, name: images.first.file.name } : null;
}

function lacking() {
  if (!images.first) return new server.Refusal(400, { message: "There is no photograph to edit.", param: "image" });
  if (!byId("prompt").value.trim()) return new server.Refusal(400, { message: "Nothing says what should change.", param: "prompt" });
  return null;
}

function saved(state) {
  return store.put("state", state);
}

async function ended(state, took_ms) {
  tellRunning(false);
  await store.remove("state", "running");
  byId("status").textContent = `Completed after ${(took_ms / 1000).toFixed(1)} seconds`;
  const { cost } = await server.told(state.edit.id).catch(() => ({ cost: "" }));
  timeline.cost(cost);
  await Promise.all([outputs.finish(), keep(state, took_ms, cost)]);
}

async function failed(state, refusal) {
  tellRunning(false);
  await store.remove("state", "running");
  trouble.tell(refusal);
  const shown = outputs.images.size ? outputs.finish() : outputs.select(null);
  await Promise.all([shown, keep(state, Date.now() - state.at_ms, "")]);
  if (refusal.status === 401) askForKey();
}

async function keep({ key: id, at_ms, request }, took_ms, cost) {
  const results = outputs.finals.map(([index, image]) => ({ index, blob: image.blob })).filter(({ blob }) => blob);
  if (!results.length) return;
  await history.add({ id, at_ms, ...request, results, took_ms, cost, thumb: await thumbnail(results[0].blob) });
}

function tellRunning(is) {
  tellTools();
  byId("edit").disabled = is;
  byId("edit").textContent = is ? "Editing…" : "Edit";
  byId("cancel").hidden = !is;
  byId("view").setAttribute("aria-busy", String(is));
  tellDrop();
}

function tellDrop() {
  byId("drop").setAttribute("aria-pressed", String(run.dropsNext));
  const later = run.dropsNext ? "The connection will drop after the first event of the next edit." : "";
  byId("drop-note").textContent = run.isAway ? "No connection for a moment. The edit goes on, and nothing of it is lost." : later;
}

function scrollIntoSight() {
  if (matchMedia("(max-width: 900px)").matches) byId("view").scrollIntoView({ block: "start" });
}

// An edit of the history, as it was.
async function lookBack(past) {
  if (run.isRunning) return;
  trouble.clear();
  await use(past);
  timeline.cost(past.cost);
  await outputs.begin(original());
  for (const { index, blob } of past.results) {
    outputs.images.set(index, { blob, address: outputs.addressOf(blob), label: past.prompt, isFinal: true });
  }
  await outputs.select(past.results[0].index);
  scrollIntoSight();
}

// What is kept of the form for a reload

function save() {
  if (isRestoring) return;
  clearTimeout(saving);
  saving = setTimeout(async () => store.put("state", await draft()), SAVE_MS);
}

async function draft() {
  return {
    id: "draft",
    model: options.model?.id ?? "",
    prompt: byId("prompt").value,
    images: images.files,
    fields: options.fields(),
    mask: isPaintable && mask.steps.length ? await mask.png(0) : null,
    isMasking: isMasking(),
    feather: byId("feather").value,
  };
}

// A request that was kept, or a draft of one, is put into the form. What was sent has its mask's edges soft already.
async function use({ images: files, prompt, model, fields, mask: sent, isMasking: masks = Boolean(sent), feather = 0 }) {
  isRestoring = true;
  byId("prompt").value = prompt;
  if (options.models.some(({ id }) => id === model)) byId("model").value = model;
  options.use(fields);
  options.choose();
  images.replace(files);
  await showing;
  byId("feather").value = feather;
  byId("mask-toggle").setAttribute("aria-pressed", String(masks));
  const image = sent && (await decoded(URL.createObjectURL(sent)));
  if (image) mask.restore(image);
  isRestoring = false;
  soften();
  tellTools();
  examples.tell();
}

async function restore() {
  const [kept, running] = await Promise.all([store.get("state", "draft"), store.get("state", "running")]);
  images.told();
  await offerModels((running?.request ?? kept)?.model);
  if (running || kept) await use(running?.request ?? kept);
  isRestoring = false;
  await history.tell();
  if (running) await follow(running);
}

// 128 random bits: crypto.randomUUID needs TLS.
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(KEY_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const on = (id, name, act) => byId(id).addEventListener(name, act);

on("request", "submit", (event) => {
  event.preventDefault();
  if (!run.isRunning) edit();
});
on("request", "input", save);
on("prompt", "keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("request").requestSubmit();
});
on("mask-toggle", "click", async () => {
  const looksElsewhere = outputs.selected !== null;
  byId("mask-toggle").setAttribute("aria-pressed", String(looksElsewhere || !isMasking()));
  if (looksElsewhere) await outputs.select(null);
  tellTools();
  maskChanged();
  soften();
  if (isMasking()) byId("mask").focus({ preventScroll: true });
});
on("feather", "input", soften);
on("undo", "click", () => mask.undo());
on("redo", "click", () => mask.redo());
on("invert", "click", () => mask.invert());
on("clear", "click", () => mask.clear());
on("drop", "click", () => {
  run.drop();
  tellDrop();
});
on("cancel", "click", () => run.cancel().catch((refusal) => trouble.tell(refusal)));
on("continue", "click", () => {
  const { current, selected } = outputs;
  images.replace([outputs.fileOf(current, selected)]);
  byId("prompt").select();
  byId("prompt").focus({ preventScroll: true });
});
on("copy-open", "click", async () => {
  const lack = lacking();
  if (lack) return trouble.tell(lack);
  trouble.clear();
  return copy.show(await asked());
});
on("key-open", "click", askForKey);
on("key-form", "submit", () => {
  server.useKey(byId("key").value.trim());
  trouble.clear();
  offerModels(options.model?.id);
});
for (const button of document.querySelectorAll("dialog button[value=cancel]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", async () => {
    const name = button.dataset.sample;
    const blob = await (await fetch(`assets/playground/samples/${name}`)).blob();
    images.add([new File([blob], name, { type: blob.type })]);
  });
}

restore();
