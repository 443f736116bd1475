import "../browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  course,
  criticalEffect,
  criticalText,
  lastingText,
  outcome,
  refusalText,
  same,
  shortText,
  spoken,
  unavailableText,
} from "../../../../web/static/core/preview-text.js";
import { plain } from "../plain.js";
import { AT, line, preview, state } from "../site.js";

/** @import { Preview } from "../../../../web/static/core/bodies.js" */

const asked = fc.record(
  { shed_kw: fc.nat(50), duration_s: fc.nat(3600), start_at: fc.constantFrom("2030-01-01T18:00") },
  { requiredKeys: ["shed_kw", "duration_s"] },
);

test("what an event would do", () => {
  /** @type {[Partial<Preview>, string][]} */
  const cases = [
    [{}, "2.00 kW of 2.00 kW asked"],
    [{ shed_kw: 1.58 }, "1.58 kW of 2.00 kW asked"],
    [
      { shed_kw: 2.26 },
      "2.00 kW of 2.00 kW asked. Circuits are shed in steps, so 2.26 kW would be shed",
    ],
    [{ running_kw: 1, more_kw: 1 }, "2.00 kW of 2.00 kW asked, 1.00 kW more than now"],
    [
      { running_kw: 1, more_kw: 1, starts_at: AT + 60 },
      "2.00 kW of 2.00 kW asked, 1.00 kW more than without it",
    ],
    [
      { shed_kw: 3, running_kw: 3, more_kw: 0, covered_until: AT + 300 },
      "Nothing would change: the running event already sheds 3 kW until 16:05.",
    ],
    [
      { shed_kw: 3, running_kw: 3, more_kw: 0, covered_until: AT + 60 },
      "Nothing would change until 16:01: the running event already sheds 3 kW. " +
        "Then 2 kW until 16:02.",
    ],
  ];
  for (const [more, sentence] of cases) {
    assert.equal(plain(outcome(preview(more), state())), sentence);
  }
});

test("what happens to the power of the site", () => {
  /** @type {[Partial<Preview>, string][]} */
  const cases = [
    [{}, "Power falls from 10.0 kW to 8.00 kW"],
    [{ mode: "observe" }, "Power would fall from 10.0 kW to 8.00 kW"],
    [{ power_after_kw: 10 }, "Power stays at 10.0 kW"],
    [{ power_before_kw: null, power_after_kw: null }, "What the site draws is not known."],
    [
      { starts_at: AT + 3600 },
      "As loads are now, from 10.0 kW to 8.00 kW. Planned again when it starts.",
    ],
  ];
  for (const [more, sentence] of cases) assert.equal(plain(course(preview(more))), sentence);
});

test("what it does to critical circuits is said, also that it does nothing", () => {
  const spared = line({ name: "Fridge", critical: true });
  const hvac = { name: "HVAC", critical: true, free_kw: 3.5, rated_kw: 3.5 };
  const dimmed = line({ ...hvac, shed_kw: 0.7, more_kw: 0.7, left_kw: 2.8 });
  const off = line({ ...hvac, shed_kw: 3.5, more_kw: 3.5, left_kw: 0 });
  assert.equal(criticalText(preview()), "");
  assert.equal(
    criticalText(preview({ circuits: [spared] })),
    "Fridge is critical and not touched.",
  );
  assert.equal(
    plain(criticalText(preview({ circuits: [dimmed, spared] }))),
    "Critical: HVAC stays on and drops 20 %. Fridge is not touched.",
  );
  assert.equal(criticalEffect(off), "HVAC would be off.");
});

test("a critical circuit that drops hardly at all is not said to drop by nothing", () => {
  const hardly = line({ free_kw: 3.5, shed_kw: 0.01, left_kw: 3.49 });
  assert.equal(plain(criticalEffect(hardly)), "Heater stays on and drops 1 %.");
});

test("a circuit that adds nothing is named with its reason, unless everybody expects it", () => {
  const idle = line({ name: "EV Charger", reason: "switched off" });
  assert.equal(
    unavailableText(preview({ circuits: [idle, line()] })),
    "Not available: EV Charger (switched off).",
  );
  assert.equal(unavailableText(preview({ circuits: [line()] })), "");
});

test("what is missing, what would be refused and what cannot last is said", () => {
  const short = preview({ shed_kw: 1.5, shortfall_kw: 0.5 });
  assert.equal(
    plain(shortText(short)),
    "Only 1.50 kW can be shed now. The event would fall 0.50 kW short.",
  );
  assert.equal(shortText(preview()), "");
  const refused = preview({ refusal: { reason: "too_many", detail: "this site takes 2 a day" } });
  assert.equal(refusalText(refused), "The controller would refuse this: this site takes 2 a day.");
  const brief = preview({ circuits: [line({ shed_kw: 1, lasts_s: 600 })] });
  assert.equal(plain(lastingText(brief)), "Not for the whole time: Heater for at most 10 min.");
  assert.equal(lastingText(preview()), "");
});

test("a screen reader hears nothing that drifts with the loads", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 20, noNaN: true }), (power_before_kw) =>
      assert.equal(plain(spoken(preview({ power_before_kw }))), "2.00 kW can be shed."),
    ),
  );
  assert.equal(plain(spoken(preview({ shortfall_kw: 1 }))), "Less than 2.00 kW can be shed.");
});

test("a preview answers only the question it was asked", () => {
  fc.assert(
    fc.property(asked, asked, (a, b) => {
      assert.ok(same(a, { ...a }));
      const equal = ["shed_kw", "duration_s", "start_at"].every(
        (name) => Reflect.get(a, name) === Reflect.get(b, name),
      );
      assert.equal(same(a, b), equal);
    }),
  );
});
