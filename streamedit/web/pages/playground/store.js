// What this browser keeps: the draft, the edit that runs, and those that were made. What it cannot keep, because there is no
// room or no IndexedDB, lasts as long as the page: nothing that is done here depends on it.

const NAME = "streamedit";
const STORES = ["state", "edits"];

const inMemory = Object.fromEntries(STORES.map((name) => [name, new Map()]));
let opening = null;

export const get = (store, id) => run(store, "readonly", (it) => it.get(id), (map) => map.get(id));
export const all = (store) => run(store, "readonly", (it) => it.getAll(), (map) => [...map.values()]);
export const put = (store, value) => run(store, "readwrite", (it) => it.put(value), (map) => map.set(value.id, value));
export const remove = (store, id) => run(store, "readwrite", (it) => it.delete(id), (map) => map.delete(id));
export const clear = (store) => run(store, "readwrite", (it) => it.clear(), (map) => map.clear());

async function run(store, mode, ask, instead) {
  opening ??= opened();
  const database = await opening;
  try {
    return await settled(ask(database.transaction(store, mode).objectStore(store)));
  } catch {
    return instead(inMemory[store]);
  }
}

async function opened() {
  try {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => STORES.forEach((name) => asked.result.createObjectStore(name, { keyPath: "id" }));
    return await settled(asked);
  } catch {
    return null;
  }
}

function settled(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
