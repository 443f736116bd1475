// The outermost edge of core/live.js: a clock, the network, and the few parts of a browser it asks.

/** @typedef {{at: number, every: number | null, act: () => void}} Timer */

const EPOCH_MS = 1_764_000_000_000;

/** A clock that stands still until it is moved, with the timers set on it. */
export class Clock {
  now = EPOCH_MS;
  /** @type {Map<number, Timer>} */
  timers = new Map();
  #next = 1;

  /** @param {() => void} act @param {number} [ms] @param {boolean} [repeats] */
  set(act, ms = 0, repeats = false) {
    this.timers.set(this.#next, { at: this.now + ms, every: repeats ? ms : null, act });
    this.#next += 1;
    return this.#next - 1;
  }

  /**
   * Lets time pass, and all that it brings happen.
   * @param {number} ms
   */
  async pass(ms) {
    const end = this.now + ms;
    for (let due = this.#due(end); due; due = this.#due(end)) {
      const [id, timer] = due;
      this.now = Math.max(this.now, timer.at);
      if (timer.every === null) this.timers.delete(id);
      else timer.at += timer.every;
      timer.act();
      await settled();
    }
    this.now = end;
  }

  /** @param {number} end @returns {[number, Timer] | null} */
  #due(end) {
    const due = [...this.timers].filter(([, timer]) => timer.at <= end);
    due.sort(([, a], [, b]) => a.at - b.at);
    return due[0] ?? null;
  }
}

const setImmediately = globalThis.setImmediate;

/** All promises that can be kept are kept. */
const settled = () => new Promise((resolve) => setImmediately(resolve));

/** The stream as the page opens it; `tell` is what the controller says. */
export class FakeStream extends EventTarget {
  /** @type {FakeStream[]} */
  static opened = [];
  open = true;

  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
    FakeStream.opened.push(this);
  }

  close() {
    this.open = false;
  }

  /** @param {string} name @param {unknown} data */
  tell(name, data = {}) {
    const event = new Event(name);
    Object.assign(event, { data: JSON.stringify(data) });
    this.dispatchEvent(event);
  }

  static get last() {
    return FakeStream.opened[FakeStream.opened.length - 1];
  }

  static get openCount() {
    return FakeStream.opened.filter((stream) => stream.open).length;
  }
}

/** A controller that answers, or does not. */
export class Network {
  /** @type {() => Promise<Response>} */
  answer = () => Promise.reject(new TypeError("no route"));
  asked = 0;

  /** @param {object} body */
  answers(body) {
    this.answer = () => Promise.resolve(Response.json(body));
  }

  /** @param {number} status @param {object} problem */
  refuses(status, problem) {
    this.answer = () => Promise.resolve(Response.json(problem, { status }));
  }

  fails() {
    this.answer = () => Promise.reject(new TypeError("no route"));
  }
}

/** Puts the fakes in place; call it before core/live.js is loaded. */
export function fakeBrowser() {
  const [clock, network] = [new Clock(), new Network()];
  const page = Object.assign(new EventTarget(), { hidden: false });
  const define = (/** @type {string} */ name, /** @type {unknown} */ value) =>
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  define("document", page);
  define("location", { hash: "", pathname: "/", search: "" });
  define("addEventListener", () => {});
  define("EventSource", FakeStream);
  define("fetch", () => {
    network.asked += 1;
    return network.answer();
  });
  define("setTimeout", (/** @type {() => void} */ act, /** @type {number} */ ms) =>
    clock.set(act, ms),
  );
  define("setInterval", (/** @type {() => void} */ act, /** @type {number} */ ms) =>
    clock.set(act, ms, true),
  );
  define("clearTimeout", (/** @type {number} */ id) => clock.timers.delete(id));
  Date.now = () => clock.now;
  return { clock, network, page };
}
