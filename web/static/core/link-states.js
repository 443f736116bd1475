// How the page is linked to its controller: the states, and what leads from one to the next.

/**
 * - `connecting`: a stream was opened, and nothing came from it yet
 * - `streaming`: the stream brings every change
 * - `polling`: no stream gets through; the state is fetched every few seconds
 * - `suspended`: nothing is open: hidden for long, no token, or another tab has the stream
 * @typedef {"connecting" | "streaming" | "polling" | "suspended"} LinkState
 */

/**
 * - `snapshot`: the stream began, with the whole state
 * - `lost`: the stream broke, or was silent for too long
 * - `retry`: it is time to try a stream again
 * - `suspend`: the page gives up its link
 * - `connect`: begin anew, at once
 * @typedef {"snapshot" | "lost" | "retry" | "suspend" | "connect"} LinkEvent
 */

/**
 * What the page says: nothing while all is well.
 * @typedef {"connecting" | "lost" | "evicted" | null} Trouble
 */

/** @type {Record<LinkState, Partial<Record<LinkEvent, LinkState>>>} */
const NEXT = {
  connecting: {
    snapshot: "streaming",
    lost: "polling",
    suspend: "suspended",
    connect: "connecting",
  },
  streaming: {
    snapshot: "streaming",
    lost: "polling",
    suspend: "suspended",
    connect: "connecting",
  },
  polling: { retry: "connecting", suspend: "suspended", connect: "connecting" },
  suspended: { suspend: "suspended", connect: "connecting" },
};

/** A value older than this is stale, and a stream that is silent for as long is helped out. */
export const STALE_MS = 5000;

/** A stream that is silent for longer is dead. */
export const DEAD_MS = 10000;

/** How long the first answer of a stream, or of the controller, may take. */
export const FIRST_WORD_MS = 4000;

const POLL_EVERY_MS = 2000;
const SHORTEST_PAUSE_MS = 3000;
const LONGEST_PAUSE_MS = 30000;

/**
 * The state after an event; null where the event means nothing in that state.
 * @param {LinkState} state @param {LinkEvent} event
 * @returns {LinkState | null}
 */
export const next = (state, event) => NEXT[state][event] ?? null;

/**
 * What to say of a link that is not suspended.
 * @param {{failures: number, silence_ms: number, open_ms: number}} link
 * @returns {Trouble}
 */
export function troubleOf({ failures, silence_ms, open_ms }) {
  if (failures > 0) return "lost";
  if (silence_ms <= STALE_MS) return null;
  return open_ms < FIRST_WORD_MS ? "connecting" : "lost";
}

/**
 * The pause before the state is fetched again, after so many failures in a row.
 * @param {number} failures
 */
export const pollPause_ms = (failures) =>
  Math.min(POLL_EVERY_MS + 1000 * Math.max(0, failures - 1), STALE_MS);

/**
 * The pause before the next stream: some proxies never let one through, so it grows.
 * @param {number | null} last_ms the pause before this one; null for the first
 */
export const streamPause_ms = (last_ms) =>
  last_ms === null ? SHORTEST_PAUSE_MS : Math.min(2 * last_ms, LONGEST_PAUSE_MS);
