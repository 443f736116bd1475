import "../browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  comingBack,
  milestone,
  restoring,
  served,
  staysOff,
  turnedDown,
} from "../../../../web/static/core/outlook.js";
import { plain } from "../plain.js";
import { AT, circuit, event, state } from "../site.js";

/** @import { DrEvent, Restore, ReturnKind } from "../../../../web/static/core/bodies.js" */

const NOW = state();

test("what is read out of an event is true then", () => {
  /** @type {[number, number, string][]} */
  const cases = [
    [90, 0, "Event running."],
    [290, 10, ""],
    [300, 0, "Event running."],
    [300, 1, "Five minutes remaining."],
    [250, 200, ""],
    [60, 540, "One minute remaining."],
    [20, 0, "Event running."],
    [15, 5, "Event running."],
    [40, 80, ""],
  ];
  for (const [left, gone, sentence] of cases) {
    assert.equal(milestone(left, gone), sentence, `${left} s left, ${gone} s gone`);
  }
});

test("a circuit that only a person switches on is not said to come back", () => {
  const [oven, heat] = [circuit({ id: "oven", comes_back: "by_hand" }), circuit()];
  assert.equal(staysOff([heat], NOW), "");
  assert.equal(staysOff([heat, oven], NOW), "Bread oven stays off until someone switches it on.");
});

test("until when a circuit is turned down", () => {
  /** @type {[number, ReturnKind | null, number | null, string][]} */
  const cases = [
    [0, "event", 300, "Paused by event until 16:05"],
    [1, "event", 320, "Turned down by event until 16:05:20"],
    [0, "turn", 320, "Paused by event until 16:05:20"],
    [0, "following", 900, "Paused by event until 16:15 (needed by another event)"],
    [0, "max_off", 600, "Paused by event until 16:10 (the longest it may be off)"],
    [0, "budget", 600, "Paused by event until 16:10 (its limit for today)"],
    [0, "rest", 600, "Paused by event until 16:10 (when it has rested)"],
    [0, "room", null, "Paused by event until the main breaker has room for it"],
    [0, "by_hand", null, "Paused by event: stays off until someone switches it on"],
    [0, "later", null, "Paused by event"],
    [0, null, null, "Paused by event"],
  ];
  for (const [held_kw, back_how, after_s, sentence] of cases) {
    const back_at = after_s === null ? null : AT + after_s;
    assert.equal(turnedDown({ held_kw, back_how, back_at }, NOW), sentence);
  }
});

test("how a circuit that no event needs any more comes back", () => {
  /** @type {[ReturnKind, number | null, string][]} */
  const cases = [
    ["turn", AT + 8, "Comes back in 8 s"],
    ["following", AT + 900, "Turned down for another event until 16:15"],
    ["room", null, "Comes back when the main breaker has room for it"],
    ["by_hand", null, "Stays off until someone switches it on"],
    ["later", null, "Comes back when no event needs it"],
  ];
  for (const [back_how, back_at, sentence] of cases) {
    assert.equal(comingBack({ back_how, back_at }, NOW, "8 s"), sentence);
  }
});

test("how an event is served now, and only what is on target is green", () => {
  /** @type {[Partial<DrEvent>, number, string | null][]} */
  const cases = [
    [{}, 0, "Achieved"],
    [{ on_target: false, delivery: null }, 0, null],
    [{ possible_kw: 1.58 }, 0, "Only 1.58 kW of 3 kW is possible now"],
    [{ on_target: false, delivery: null }, 1.42, "Short by 1.42 kW"],
    [{ on_target: null, delivery: null }, 0, "No current reading"],
    [{ required_kw: 1.5, possible_kw: 1.5 }, 0, "On target for now: 1.5 kW of 3 kW"],
    [{ delivery: "superseded" }, 0, "Another event asks for more"],
    [{ required_kw: 0, possible_kw: 0, on_target: null }, 0, null],
  ];
  for (const [more, short_kw, sentence] of cases) {
    const words = served(event(more), false, short_kw);
    assert.equal(words && plain(words[2]), sentence);
    const good = sentence === "Achieved" || sentence?.startsWith("On target");
    assert.equal(words?.[0] === "ok", Boolean(good), sentence ?? "nothing");
  }
});

test("a site that only observes is not said to deliver", () => {
  assert.equal(served(event(), true, 0), null);
});

test("what Restore would do", () => {
  /** @type {[Partial<Restore>, number, string][]} */
  const cases = [
    [{}, 0, "Restore normal ends this event early. Load is back at 16:01:30."],
    [
      { ends: ["a", "b"], back_at: AT + 2 },
      0,
      "Restore normal ends 2 events early. Load returns at once.",
    ],
    [
      { by_hand: ["oven"] },
      0,
      "Restore normal ends this event early. Load is back at 16:01:30. " +
        "Bread oven stays off until someone switches it on.",
    ],
    [
      { by_hand: ["oven", "heat"], back_at: null },
      0,
      "Restore normal ends this event early. Bread oven and Heater stay off until someone switches them on.",
    ],
    [
      { kept_down: ["heat"] },
      1,
      "Restore normal ends this event early. Heater stays down for another event. One scheduled event stays.",
    ],
    [
      { unknown: ["heat"], back_at: null },
      2,
      "Restore normal ends this event early. Heater waits until the main breaker has room. 2 scheduled events stay.",
    ],
  ];
  const usual = { ends: ["a"], back_at: AT + 90, by_hand: [], kept_down: [], unknown: [] };
  for (const [more, scheduled, sentence] of cases) {
    const later = Array.from({ length: scheduled }, () => event({ scheduled: true }));
    const now = state({ events: [event(), ...later], restore: { ...usual, ...more } });
    assert.equal(restoring(now), sentence);
  }
});

test("where nothing is to be restored, nothing is said of it", () => {
  assert.equal(restoring(state({ restore: null })), "");
});
