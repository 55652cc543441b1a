// What the phone keeps: actions waiting or refused, their photos, and the last known lists. IndexedDB, one transaction a change.

const NAME = "zaitu-field";
const VERSION = 1;
let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const db = request.result;
      const actions = db.createObjectStore("actions", { keyPath: "seq", autoIncrement: true });
      actions.createIndex("key", "key", { unique: true });
      actions.createIndex("state", "state");
      db.createObjectStore("files", { keyPath: "id" });
      db.createObjectStore("cache", { keyPath: "name" });
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close(); // a newer page wants to upgrade
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
  return opened;
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// `work(stores)` runs in one transaction; resolves once it is on disk ("strict": survives a battery pulled out).
export async function change(names, work) {
  const db = await open();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(names, "readwrite", { durability: "strict" });
    let result;
    transaction.oncomplete = () => resolve(result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
    const stores = Object.fromEntries(names.map((name) => [name, transaction.objectStore(name)]));
    Promise.resolve(work(stores, asked)).then((value) => { result = value; }, (error) => { transaction.abort(); reject(error); });
  });
}

export async function all(name) {
  const db = await open();
  return asked(db.transaction(name).objectStore(name).getAll());
}

export async function one(name, key) {
  const db = await open();
  return asked(db.transaction(name).objectStore(name).get(key));
}

export async function actionByKey(key) {
  const db = await open();
  return asked(db.transaction("actions").objectStore("actions").index("key").get(key));
}

// The last answer of the server under a name, with when it came; for reading without network.
export const remember = (name, value) => change(["cache"], (stores) => { stores.cache.put({ name, value, at: Date.now() }); });
export const remembered = async (name) => (await one("cache", name)) ?? null;
