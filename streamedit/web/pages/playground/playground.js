// The playground: somebody chooses a photograph, paints a mask, writes what should change, and watches it happen.

import { byId } from "../dom.js";
import { Copy } from "./copy.js";
import { Draft, kept, PARTS } from "./draft.js";
import { Easel } from "./easel.js";
import { Examples } from "./examples.js";
import { History } from "./history.js";
import { Images } from "./images.js";
import { Options } from "./options.js";
import { Outputs } from "./outputs.js";
import { thumbnail } from "./pictures.js";
import { Run } from "./run.js";
import * as server from "./server.js";
import { Stage } from "./stage.js";
import * as store from "./store.js";
import { Timeline } from "./timeline.js";
import { Trouble } from "./trouble.js";

const KEY_BYTES = 16;

const stage = new Stage();
const timeline = new Timeline();
const easel = new Easel(stage, { replaced, painted, why: maskRefusal, looksBack });
const images = new Images(imagesChanged);
const examples = new Examples(() => ({ mask: easel.isMasked, image: images.all.length > 1 }));
const options = new Options(modelChanged);
const outputs = new Outputs(stage, tellTools);
const copy = new Copy();
const history = new History(lookBack);
const run = new Run(timeline, outputs, { saved, moved: tellDrop, ended, failed });
const draft = new Draft({ words, photographs: () => images.files, mask: () => (easel.mask.steps.length ? easel.mask.png(0) : null) });
const trouble = new Trouble(
  {
    key: askForKey,
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

let isBusy = false;

// What changes

async function imagesChanged() {
  draft.changed("photographs");
  await easel.show(images.first);
  tellTools();
}

function replaced() {
  outputs.clear();
  timeline.clear();
}

function painted() {
  draft.changed("mask", "words");
  tellTools();
}

function modelChanged() {
  images.allow(options.can?.max_images ?? 16);
  examples.offer(options.can?.repertoire);
  draft.changed("words");
  tellTools();
}

function tellTools() {
  easel.tell(outputs.selected === null, isBusy);
  examples.tell();
}

function maskRefusal() {
  return options.can && !options.can.mask ? `${options.model.id} takes no mask.` : null;
}

// Whether something else was looked at than the photograph.
async function looksBack() {
  if (outputs.selected === null) return false;
  await outputs.select(null);
  return true;
}

// The models and the key that opens them

async function offerModels(wished) {
  try {
    options.offer(await server.models(), wished);
  } catch (refusal) {
    if (!(refusal instanceof server.Refusal)) throw refusal;
    if (refusal.status === 401) askForKey();
    else trouble.tell(refusal);
  }
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
    mask: easel.isMasked ? await easel.mask.png() : null,
    fields: options.fields(),
  };
}

function lacking() {
  if (!images.first) return new server.Refusal(400, { message: "There is no photograph to edit.", param: "image" });
  if (!byId("prompt").value.trim()) return new server.Refusal(400, { message: "Nothing says what should change.", param: "prompt" });
  return null;
}

// Once, however often it is asked for while it goes on.
async function edit() {
  if (isBusy) return;
  trouble.clear();
  const lack = lacking();
  if (lack) return trouble.tell(lack);
  tellRunning(true);
  try {
    const state = { id: "running", key: randomKey(), at_ms: Date.now(), request: await asked(), edit: null };
    await saved(state);
    await follow(state);
  } catch (error) {
    tellRunning(false);
    throw error;
  }
}

async function follow(state) {
  tellRunning(true);
  outputs.begin(easel.original);
  tellTools();
  scrollIntoSight();
  await run.start(state);
}

function saved(state) {
  return store.put("state", state);
}

async function ended(state, took_ms) {
  tellRunning(false);
  await store.remove("state", "running");
  byId("status").textContent = `Completed after ${(took_ms / 1000).toFixed(1)} seconds`;
  const cost = await server.cost(state.edit.id).catch(() => "");
  timeline.cost(cost);
  await Promise.all([outputs.finish(), keep(state, cost)]);
}

async function failed(state, refusal) {
  tellRunning(false);
  await store.remove("state", "running");
  trouble.tell(refusal);
  const shown = outputs.images.size ? outputs.finish() : outputs.select(null);
  await Promise.all([shown, keep(state, "")]);
  if (refusal.status === 401) askForKey();
}

async function keep({ key: id, at_ms, request }, cost) {
  const results = outputs.finals.map(([index, image]) => ({ index, blob: image.blob })).filter(({ blob }) => blob);
  if (!results.length) return;
  await history.add({ id, at_ms, ...request, results, cost, thumb: await thumbnail(results[0].blob) });
}

// Photographs stay what they are while they are edited.
function tellRunning(is) {
  isBusy = is;
  images.lock(is);
  byId("edit").disabled = is;
  byId("edit").textContent = is ? "Editing…" : "Edit";
  byId("cancel").hidden = !is;
  byId("view").setAttribute("aria-busy", String(is));
  tellTools();
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

// 128 random bits: crypto.randomUUID needs TLS.
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(KEY_BYTES))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What was before

async function lookBack(past) {
  if (isBusy) return;
  trouble.clear();
  await use(past);
  timeline.cost(past.cost);
  await outputs.begin(easel.original, past.results[0].index);
  for (const { index, blob } of past.results) {
    outputs.images.set(index, { blob, address: outputs.addressOf(blob), label: past.prompt, isFinal: true });
  }
  await outputs.finish();
  scrollIntoSight();
}

function words() {
  const { isMasking } = easel;
  return { model: options.model?.id ?? "", prompt: byId("prompt").value, fields: options.fields(), isMasking, feather: byId("feather").value };
}

// A request is put into the form, or a draft of one. What was sent has its mask's edges soft already.
async function use({ images: files, prompt, model, fields, mask: sent, isMasking = Boolean(sent), feather = 0 }) {
  draft.isPaused = true;
  byId("prompt").value = prompt;
  if (options.models.some(({ id }) => id === model)) byId("model").value = model;
  options.use(fields);
  options.choose();
  images.replace(files);
  await easel.showing;
  if (sent) await easel.restore(sent);
  easel.use(isMasking, feather);
  draft.isPaused = false;
  draft.changed(...PARTS);
}

async function restore() {
  images.told();
  const [running, { words: written, photographs, mask }] = await Promise.all([store.get("state", "running"), kept()]);
  const request = running?.request ?? (written && { ...written, images: photographs ?? [], mask });
  await offerModels(request?.model);
  if (request) await use(request);
  draft.isPaused = false;
  await history.tell();
  if (running) await follow(running);
}

// What somebody does

const on = (id, name, act) => byId(id).addEventListener(name, act);

on("request", "submit", (event) => {
  event.preventDefault();
  edit();
});
on("request", "input", () => draft.changed("words"));
on("prompt", "keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("request").requestSubmit();
});
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
