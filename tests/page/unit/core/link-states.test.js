import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  FIRST_WORD_MS,
  next,
  pollPause_ms,
  STALE_MS,
  streamPause_ms,
  troubleOf,
} from "../../../../web/static/core/link-states.js";

/** @import { LinkEvent, LinkState } from "../../../../web/static/core/link-states.js" */

/** @type {LinkState[]} */
const STATES = ["connecting", "streaming", "polling", "suspended"];

/** @type {LinkEvent[]} */
const EVENTS = ["snapshot", "lost", "retry", "suspend", "connect"];

/** @param {LinkEvent[]} events @returns {LinkState} */
const after = (events) =>
  events.reduce(
    (state, event) => next(state, event) ?? state,
    /** @type {LinkState} */ ("suspended"),
  );

const lives = fc.array(fc.constantFrom(...EVENTS));

test("whatever happened, the page can begin anew, and can rest", () => {
  fc.assert(
    fc.property(lives, (events) => {
      assert.equal(after([...events, "connect"]), "connecting");
      assert.equal(after([...events, "suspend"]), "suspended");
    }),
  );
});

test("a page that rests stays so until it begins anew", () => {
  for (const event of EVENTS.filter((name) => name !== "connect")) {
    assert.equal(next("suspended", event) ?? "suspended", "suspended", event);
  }
});

test("a stream that is lost is asked instead, and only from there tried again", () => {
  assert.equal(next("connecting", "lost"), "polling");
  assert.equal(next("streaming", "lost"), "polling");
  assert.equal(next("polling", "retry"), "connecting");
  for (const state of STATES.filter((name) => name !== "polling")) {
    assert.equal(next(state, "retry"), null, state);
  }
});

test("the values are old once the controller is silent for 5 s, or fails to answer", () => {
  const numbers = { silence_ms: fc.nat(60_000), open_ms: fc.nat(60_000), failures: fc.nat(5) };
  fc.assert(
    fc.property(fc.record(numbers), (link) => {
      const well = link.failures === 0 && link.silence_ms <= STALE_MS;
      assert.equal(troubleOf(link) === null, well);
    }),
  );
});

test("a page that has only just been opened is not said to be lost", () => {
  const silent = { failures: 0, silence_ms: STALE_MS + 1 };
  assert.equal(troubleOf({ ...silent, open_ms: FIRST_WORD_MS - 1 }), "connecting");
  assert.equal(troubleOf({ ...silent, open_ms: FIRST_WORD_MS }), "lost");
  assert.equal(troubleOf({ failures: 1, silence_ms: 0, open_ms: 0 }), "lost");
});

test("the more often the controller fails, the rarer it is asked, but every 5 s at least", () => {
  const waits = [0, 1, 2, 3, 4, 5, 100].map(pollPause_ms);
  assert.deepEqual(waits, [2000, 2000, 3000, 4000, 5000, 5000, 5000]);
});

test("the pause before another stream doubles, up to half a minute", () => {
  /** @type {number[]} */
  const pauses = [];
  for (let i = 0; i < 6; i += 1) pauses.push(streamPause_ms(pauses.at(-1) ?? null));
  assert.deepEqual(pauses, [3000, 6000, 12_000, 24_000, 30_000, 30_000]);
});
