import "../browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LEAST_KW, missing, readEvent } from "../../../../web/static/core/event-input.js";
import { plain } from "../plain.js";
import { AT, site } from "../site.js";

const FIELDS = { shed: "2.0", duration: "300", start_at: null };

/** @param {Partial<import("../../../../web/static/core/event-input.js").Typed>} more */
const read = (more = {}) => readEvent({ ...FIELDS, ...more }, site(), AT);

test("an event for now has an amount and a duration", () => {
  const input = read();
  assert.deepEqual(input, { asked: { shed_kw: 2, duration_s: 300 }, faults: {}, start_at: null });
  assert.equal(missing(input), "");
});

test("an event for later has its start as well", () => {
  const start_at = "2025-11-24T18:00";
  assert.deepEqual(read({ start_at }).asked, { shed_kw: 2, duration_s: 300, start_at });
});

test("a start must lie in the future of the site's clock", () => {
  for (const start_at of ["", "2025-11-24T16:00", "2024-12-31T23:59"]) {
    const input = read({ start_at });
    assert.equal(input.faults.start, "Enter a date and time in the future.", start_at);
    assert.equal(missing(input), "Enter a start time in the future.");
  }
});

test("an amount is asked for exactly when the site can be asked for it", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 100, noNaN: true }), (kw) => {
      const shed = kw.toFixed(3);
      const { asked, faults } = read({ shed });
      const fits = Number(shed) >= LEAST_KW && Number(shed) <= site().service_kw;
      assert.equal(asked !== null, fits);
      assert.equal(faults.shed === undefined, fits);
    }),
  );
});

test("a duration is whole seconds, one at least, no more than the site allows", () => {
  for (const duration of ["0", "1.5", "14401", "", "5 min"]) {
    const text = read({ duration }).faults.duration ?? "";
    assert.equal(plain(text), "Enter whole seconds, at most 14400 (4 h).", duration);
  }
  for (const duration of ["1", "14400"]) assert.ok(read({ duration }).asked, duration);
});

test("the preview says which field is to be filled in", () => {
  assert.equal(missing(read({ shed: "" })), "Enter an amount.");
  assert.equal(missing(read({ duration: "" })), "Enter a duration.");
  assert.equal(missing(read({ shed: "", duration: "" })), "Enter an amount and a duration.");
  assert.equal(
    plain(read({ shed: "x" }).faults.shed ?? ""),
    "Enter an amount from 0.1 kW to 24 kW.",
  );
});
