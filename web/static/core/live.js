// Keeps the newest state of the controller: by its stream, or by asking while no stream gets through.
import { computed, effect, signal } from "../vendor/ui.js";
import { ask } from "./api.js";
import { admissions, locked } from "./session.js";
import { withIsolatedNames } from "./words.js";

const STALE_MS = 5000;
const DEAD_MS = 10000;
const FIRST_WORD_MS = 4000;
const ASK_EVERY_MS = 2000;
const HIDDEN_MS = 30000;
const LONGEST_PAUSE_MS = 30000;

/** The newest answer of GET /api/v1/state, or null before the first. */
export const state = signal(null);

/** null while all is well; opening, lost, evicted (another tab took the stream). */
export const trouble = signal("opening");

/** Counts fresh connections: whatever is fetched beside the state is fetched anew then. */
export const connections = signal(0);

/** The newest transition the stream told of: {event_id, from, to, trigger, at}. */
export const transition = signal(null);

/** The server's clock in whole seconds; ticks between messages too. */
export const second = signal(Math.floor(Date.now() / 1000));

/** Whole seconds since the controller was last heard. */
export const silence_s = signal(0);

/** Whole seconds until the next try, while lost. */
export const nextTry_s = signal(0);

/** Whether the values on the page are old: nothing may be asked for then. */
export const stale = computed(() => trouble.value !== null);

let offset_ms = 0;
let source = null;
let streaming = false;
let heard_ms = 0;
let streamHeard_ms = 0;
let opened_ms = Date.now();
let failures = 0;
let streamPause_ms = 3000;
let streamAgain_ms = 0;
let asking = null;
let askTimer,
  askAt_ms = 0;
let firstWordTimer, hiddenTimer;
let resting = false;

/** The server's clock now, in epoch seconds. */
export const serverNow = () => (Date.now() + offset_ms) / 1000;

function take(answer) {
  const measured = answer.t * 1000 - Date.now();
  // Small differences are the way here, not the clock; following them would make countdowns jump.
  if (state.value === null || Math.abs(measured - offset_ms) > 300) offset_ms = measured;
  if (state.value === null || failures) connections.value += 1;
  heard_ms = Date.now();
  failures = 0;
  state.value = withIsolatedNames(answer);
  look();
}

function look() {
  const now = Date.now();
  second.value = Math.floor(serverNow());
  silence_s.value = Math.floor((now - heard_ms) / 1000);
  nextTry_s.value = Math.max(0, Math.ceil((askAt_ms - now) / 1000));
  if (resting) return;
  if (failures) trouble.value = "lost";
  else if (now - heard_ms <= STALE_MS) trouble.value = null;
  else trouble.value = now - opened_ms < FIRST_WORD_MS ? "opening" : "lost";
  if (!streaming) return;
  if (now - streamHeard_ms > DEAD_MS) loseStream();
  else if (now - streamHeard_ms > STALE_MS && !askTimer) askIn(0);
}

function openStream() {
  source?.close();
  const mine = new EventSource("/api/v1/stream");
  source = mine;
  const on = (name, act) =>
    mine.addEventListener(name, (event) => {
      if (mine === source) act(event);
    });
  on("snapshot", (event) => {
    settle();
    connections.value += 1;
    take(JSON.parse(event.data));
  });
  on("state", (event) => {
    streamHeard_ms = Date.now();
    take(JSON.parse(event.data));
  });
  on("transition", (event) => (transition.value = JSON.parse(event.data)));
  on("resync", () => {
    connections.value += 1;
    askIn(0);
  });
  on("evicted", () => rest("evicted"));
  on("error", loseStream);
  clearTimeout(firstWordTimer);
  firstWordTimer = setTimeout(loseStream, FIRST_WORD_MS);
}

function settle() {
  clearTimeout(firstWordTimer);
  clearTimeout(askTimer);
  askTimer = null;
  streaming = true;
  streamHeard_ms = Date.now();
  streamPause_ms = 3000;
}

function loseStream() {
  clearTimeout(firstWordTimer);
  source?.close();
  source = null;
  streaming = false;
  // Some proxies never let a stream through: then asking goes on, and the stream is tried rarely.
  streamAgain_ms = Date.now() + streamPause_ms;
  streamPause_ms = Math.min(2 * streamPause_ms, LONGEST_PAUSE_MS);
  askIn(0);
}

function askIn(ms) {
  clearTimeout(askTimer);
  askAt_ms = Date.now() + ms;
  askTimer = setTimeout(askOnce, ms);
}

async function askOnce() {
  askTimer = null;
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  try {
    const answer = await ask("/api/v1/state", mine.signal);
    if (!mine.signal.aborted) heardByAsking(answer);
  } catch (error) {
    if (mine.signal.aborted) return;
    if (error.status === 401) return rest("opening");
    failures += 1;
    look();
    askIn(Math.min(ASK_EVERY_MS + 1000 * (failures - 1), STALE_MS));
  }
}

function heardByAsking(answer) {
  const streamIsFresh = streaming && Date.now() - streamHeard_ms < STALE_MS;
  if (streamIsFresh) return;
  take(answer);
  askIn(ASK_EVERY_MS);
  if (!source && Date.now() >= streamAgain_ms) openStream();
}

function shut() {
  for (const timer of [askTimer, firstWordTimer]) clearTimeout(timer);
  asking?.abort();
  source?.close();
  source = askTimer = null;
  streaming = false;
}

function rest(why) {
  shut();
  resting = true;
  trouble.value = why;
}

/** Begins anew, at once: at the start, after a rest, or because someone asks. */
export function connect() {
  shut();
  resting = false;
  opened_ms = Date.now();
  streamPause_ms = 3000;
  look();
  openStream();
  if (failures) askIn(0);
}

function followVisibility() {
  clearTimeout(hiddenTimer);
  // A browser opens six connections to one site: hidden tabs must not hold them all.
  if (document.hidden) hiddenTimer = setTimeout(() => rest("opening"), HIDDEN_MS);
  else if (resting && trouble.value !== "evicted") connect();
}

/** Called once, when the page starts. */
export function start() {
  setInterval(look, 250);
  document.addEventListener("visibilitychange", followVisibility);
  addEventListener("pagehide", () => rest("opening"));
  addEventListener("pageshow", (event) => event.persisted && connect());
  effect(() => {
    if (locked.value) rest("opening");
  });
  effect(() => {
    if (admissions.value) connect();
  });
  connect();
}
