// What is in the form is kept for a reload: each part of it when it has changed, for photographs are large.

import * as store from "./store.js";

const SAVE_MS = 400;
export const PARTS = ["words", "photographs", "mask"];

const idOf = (part) => `draft ${part}`;

export class Draft {
  // `parts`: for each of the names above what gives it, or a promise of it.
  constructor(parts) {
    this.parts = parts;
    this.due = new Set();
    this.isPaused = true;
  }

  changed(...parts) {
    if (this.isPaused) return;
    parts.forEach((part) => this.due.add(part));
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), SAVE_MS);
  }

  async save() {
    const due = [...this.due];
    this.due.clear();
    for (const part of due) await store.put("state", { id: idOf(part), value: await this.parts[part]() });
  }
}

// The parts that were kept; undefined for those that were not.
export async function kept() {
  const found = await Promise.all(PARTS.map((part) => store.get("state", idOf(part))));
  return Object.fromEntries(PARTS.map((part, at) => [part, found[at]?.value]));
}
