// Keeps the newest state of the controller: by its stream, or by polling while no stream gets through.
import { computed, effect, signal } from "../vendor/ui.js";
import { get, Refusal } from "./api.js";
import * as link from "./link-states.js";
import { signIns, tokenNeeded } from "./session.js";
import { withIsolatedNames } from "./words.js";

/** @import { State, Transition } from "./bodies.js" */

/** @typedef {ReturnType<typeof setTimeout>} Timer */

const HIDDEN_MS = 30000;
const CLOCK_STEP_MS = 300;

/** The newest answer of GET /api/v1/state, or null before the first. */
export const state = signal(/** @type {State | null} */ (null));

/** What the page says of its link; null while all is well. */
export const trouble = signal(/** @type {link.Trouble} */ ("connecting"));

/** Counts fresh connections: whatever is fetched beside the state is fetched again then. */
export const connections = signal(0);

/** The newest transition that the stream brought. */
export const transition = signal(/** @type {Transition | null} */ (null));

/** The server's clock in whole seconds; ticks between messages too. */
export const second = signal(Math.floor(Date.now() / 1000));

/** Whole seconds since the controller last answered. */
export const silence_s = signal(0);

/** Whole seconds until the next try, while lost. */
export const nextTry_s = signal(0);

/** Whether the values on the page are old: nothing may be asked for then. */
export const stale = computed(() => trouble.value !== null);

/** @type {link.LinkState} */
let at = "suspended";
let offset_ms = 0;
let received_ms = 0;
let opened_ms = Date.now();
/** @type {Timer | undefined} */
let hiddenTimer;

const stream = {
  /** @type {EventSource | null} */
  source: null,
  received_ms: 0,
  /** @type {number | null} */
  pause_ms: null,
  again_ms: 0,
  /** @type {Timer | undefined} */
  firstWordTimer: undefined,
};

const poll = {
  /** @type {AbortController | null} */
  request: null,
  /** @type {Timer | null} */
  timer: null,
  at_ms: 0,
  failures: 0,
};

/** The newest answer, for what is drawn only once there is one. */
export function latest() {
  if (state.value === null) throw new Error("drawn before the first answer");
  return state.value;
}

/** The server's clock now, in epoch seconds. */
export const serverNow = () => (Date.now() + offset_ms) / 1000;

/** What is done on the way into each state. */
const ENTER = {
  connecting: openStream,
  streaming: relyOnStream,
  polling: pollInstead,
  suspended: close,
};

/** @param {link.LinkEvent} event */
function dispatch(event) {
  const target = link.next(at, event);
  if (target === null) return;
  at = target;
  ENTER[target]();
}

/** @param {State} answer */
function accept(answer) {
  const measured_ms = answer.t * 1000 - Date.now();
  // A small difference is the network, not the clock; following it would make countdowns jump.
  const jumped = Math.abs(measured_ms - offset_ms) > CLOCK_STEP_MS;
  if (state.value === null || jumped) offset_ms = measured_ms;
  if (state.value === null || poll.failures) connections.value += 1;
  received_ms = Date.now();
  poll.failures = 0;
  state.value = withIsolatedNames(answer);
  look();
}

function look() {
  const now = Date.now();
  second.value = Math.floor(serverNow());
  silence_s.value = Math.floor((now - received_ms) / 1000);
  nextTry_s.value = Math.max(0, Math.ceil((poll.at_ms - now) / 1000));
  if (at === "suspended") return;
  const { failures } = poll;
  trouble.value = link.troubleOf({
    failures,
    silence_ms: now - received_ms,
    open_ms: now - opened_ms,
  });
  if (at !== "streaming") return;
  if (now - stream.received_ms > link.DEAD_MS) dispatch("lost");
  else if (now - stream.received_ms > link.STALE_MS && poll.timer === null) pollIn(0);
}

function openStream() {
  stream.source?.close();
  const source = new EventSource("/api/v1/stream");
  stream.source = source;
  /** @param {string} name @param {(data: string) => void} act */
  const on = (name, act) =>
    source.addEventListener(name, (event) => {
      if (source === stream.source) act(/** @type {MessageEvent} */ (event).data);
    });
  on("snapshot", (data) => {
    dispatch("snapshot");
    connections.value += 1;
    accept(JSON.parse(data));
  });
  on("state", (data) => {
    stream.received_ms = Date.now();
    accept(JSON.parse(data));
  });
  on("transition", (data) => {
    transition.value = JSON.parse(data);
  });
  on("resync", () => {
    connections.value += 1;
    pollIn(0);
  });
  on("evicted", () => suspend("evicted"));
  on("error", () => dispatch("lost"));
  clearTimeout(stream.firstWordTimer);
  stream.firstWordTimer = setTimeout(() => dispatch("lost"), link.FIRST_WORD_MS);
}

function relyOnStream() {
  clearTimeout(stream.firstWordTimer);
  cancelPoll();
  stream.received_ms = Date.now();
  stream.pause_ms = null;
}

function pollInstead() {
  clearTimeout(stream.firstWordTimer);
  stream.source?.close();
  stream.source = null;
  stream.pause_ms = link.streamPause_ms(stream.pause_ms);
  stream.again_ms = Date.now() + stream.pause_ms;
  pollIn(0);
}

function cancelPoll() {
  if (poll.timer !== null) clearTimeout(poll.timer);
  poll.timer = null;
}

/** @param {number} ms */
function pollIn(ms) {
  cancelPoll();
  poll.at_ms = Date.now() + ms;
  poll.timer = setTimeout(pollOnce, ms);
}

async function pollOnce() {
  poll.timer = null;
  poll.request?.abort();
  const mine = new AbortController();
  poll.request = mine;
  try {
    const answer = await get("/api/v1/state", mine.signal);
    if (!mine.signal.aborted) acceptPoll(answer);
  } catch (error) {
    if (mine.signal.aborted) return;
    if (error instanceof Refusal && error.status === 401) return suspend("connecting");
    poll.failures += 1;
    look();
    pollIn(link.pollPause_ms(poll.failures));
  }
}

/** @param {State} answer */
function acceptPoll(answer) {
  if (at === "streaming" && Date.now() - stream.received_ms < link.STALE_MS) return;
  accept(answer);
  pollIn(link.pollPause_ms(0));
  if (Date.now() >= stream.again_ms) dispatch("retry");
}

function close() {
  cancelPoll();
  clearTimeout(stream.firstWordTimer);
  poll.request?.abort();
  stream.source?.close();
  stream.source = null;
}

/** @param {link.Trouble} why */
function suspend(why) {
  dispatch("suspend");
  trouble.value = why;
}

/** Connects anew, at once: at the start, after it was suspended, or because someone tries. */
export function connect() {
  close();
  opened_ms = Date.now();
  stream.pause_ms = null;
  dispatch("connect");
  look();
  if (poll.failures) pollIn(0);
}

function followVisibility() {
  clearTimeout(hiddenTimer);
  // A browser opens six connections to one site: hidden tabs must not hold them all.
  if (document.hidden) hiddenTimer = setTimeout(() => suspend("connecting"), HIDDEN_MS);
  else if (at === "suspended" && trouble.value !== "evicted") connect();
}

/** Called once, when the page starts. */
export function start() {
  setInterval(look, 250);
  document.addEventListener("visibilitychange", followVisibility);
  addEventListener("pagehide", () => suspend("connecting"));
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect();
  });
  effect(() => {
    if (tokenNeeded.value) suspend("connecting");
  });
  effect(() => {
    if (signIns.value) connect();
  });
  connect();
}
