// How the page is linked to its controller: the states, and what leads from one to the next.

/**
 * - `opening`: a stream was asked for, and has said nothing yet
 * - `streaming`: the stream tells every change
 * - `asking`: no stream gets through; the state is asked for every few seconds
 * - `resting`: nothing is open: hidden for long, no token, or another tab has the stream
 * @typedef {"opening" | "streaming" | "asking" | "resting"} LinkState
 */

/**
 * - `heard`: the stream's first snapshot came
 * - `lost`: the stream broke, or was silent for too long
 * - `retry`: it is time to try a stream again
 * - `rest`: the page gives up its link
 * - `connect`: begin anew, at once
 * @typedef {"heard" | "lost" | "retry" | "rest" | "connect"} LinkEvent
 */

/**
 * What the page says: nothing while all is well.
 * @typedef {"opening" | "lost" | "evicted" | null} Trouble
 */

/** @type {Record<LinkState, Partial<Record<LinkEvent, LinkState>>>} */
const NEXT = {
  opening: { heard: "streaming", lost: "asking", rest: "resting", connect: "opening" },
  streaming: { heard: "streaming", lost: "asking", rest: "resting", connect: "opening" },
  asking: { retry: "opening", rest: "resting", connect: "opening" },
  resting: { rest: "resting", connect: "opening" },
};

/** A value older than this is stale, and a stream that is silent for as long is helped out. */
export const STALE_MS = 5000;

/** A stream that is silent for longer is dead. */
export const DEAD_MS = 10000;

/** How long the first word of a stream, or of the controller, may take. */
export const FIRST_WORD_MS = 4000;

const ASK_EVERY_MS = 2000;
const SHORTEST_PAUSE_MS = 3000;
const LONGEST_PAUSE_MS = 30000;

/**
 * The state after an event; null where the event means nothing in that state.
 * @param {LinkState} state @param {LinkEvent} event
 * @returns {LinkState | null}
 */
export const next = (state, event) => NEXT[state][event] ?? null;

/**
 * What to say of a link that is not resting.
 * @param {{failures: number, silence_ms: number, open_ms: number}} link
 * @returns {Trouble}
 */
export function troubleOf({ failures, silence_ms, open_ms }) {
  if (failures > 0) return "lost";
  if (silence_ms <= STALE_MS) return null;
  return open_ms < FIRST_WORD_MS ? "opening" : "lost";
}

/**
 * How long to wait before asking again, after so many failures in a row.
 * @param {number} failures
 */
export const askAgain_ms = (failures) =>
  Math.min(ASK_EVERY_MS + 1000 * Math.max(0, failures - 1), STALE_MS);

/**
 * The pause before the next stream: some proxies never let one through, so it grows.
 * @param {number | null} last_ms the pause before this one; null for the first
 */
export const streamPause_ms = (last_ms) =>
  last_ms === null ? SHORTEST_PAUSE_MS : Math.min(2 * last_ms, LONGEST_PAUSE_MS);
