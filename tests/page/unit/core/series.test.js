import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  added,
  empty,
  eventBands,
  GAP_S,
  joined,
  pointOf,
  SPAN_S,
  tableRows,
  trimmed,
} from "../../../../web/static/core/series.js";
import { AT, state } from "../site.js";

const value = fc.option(fc.integer({ min: 0, max: 20 }), { nil: null });
const values = fc.record({ power: value, base: value, target: value });
const steps = fc.array(fc.tuple(fc.integer({ min: -5, max: 40 }), values), { maxLength: 60 });

/** Columns as the page makes them: point after point. */
const columns = steps.map((all) => {
  let t = AT;
  return all.reduce((series, [step, point]) => {
    t += step;
    return added(series, t, point);
  }, empty());
});

/** @param {ReturnType<typeof empty>} series */
function isWellFormed({ t, power, base, target }) {
  for (const column of [power, base, target]) assert.equal(column.length, t.length);
  for (let i = 1; i < t.length; i += 1) assert.ok(t[i] > t[i - 1], "times only grow");
}

test("columns are of one length, and their times only grow", () => {
  fc.assert(fc.property(columns, isWellFormed));
});

test("a gap in time is a hole in the line", () => {
  const point = { power: 1, base: 1, target: null };
  const beside = added(added(empty(), AT, point), AT + GAP_S, point);
  assert.deepEqual(beside.power, [1, 1]);
  const apart = added(added(empty(), AT, point), AT + GAP_S + 1, point);
  assert.deepEqual(apart.power, [1, null, 1]);
});

test("what is too old goes, and nothing else", () => {
  fc.assert(
    fc.property(columns, fc.integer({ min: -10, max: 2_000 }), (series, after) => {
      const kept = trimmed(series, AT + after);
      isWellFormed(kept);
      assert.deepEqual(
        kept.t,
        series.t.filter((t) => t >= AT + after),
      );
      assert.deepEqual(kept.power, kept.t.length ? series.power.slice(-kept.t.length) : []);
    }),
  );
});

test("what the controller recorded comes first, then what the page has seen since", () => {
  fc.assert(
    fc.property(columns, columns, fc.integer({ min: -500, max: 500 }), (theirs, own, shift) => {
      const { t, ...series } = theirs;
      const mine = { ...own, t: own.t.map((at) => at + shift) };
      const both = joined({ t, series }, mine);
      isWellFormed(both);
      assert.deepEqual(both.t.slice(0, t.length), t);
      for (const at of mine.t) assert.ok(at <= (t.at(-1) ?? -Infinity) || both.t.includes(at));
    }),
  );
});

test("the bands are the points that have a target, and no two touch", () => {
  fc.assert(
    fc.property(columns, (series) => {
      const bands = eventBands(series);
      series.t.forEach((t, i) => {
        const inside = bands.some(([from, to]) => from <= t && t <= to);
        assert.equal(inside, series.target[i] !== null);
      });
      for (let i = 1; i < bands.length; i += 1) assert.ok(bands[i][0] > bands[i - 1][1]);
    }),
  );
});

test("the table has at most sixty rows, the newest first, one for each quarter of a minute", () => {
  fc.assert(
    fc.property(columns, (series) => {
      const rows = tableRows(series);
      const slots = rows.map(({ t }) => Math.floor(t / 15));
      assert.ok(rows.length <= 60);
      assert.equal(new Set(slots).size, rows.length);
      assert.deepEqual(
        slots,
        [...slots].sort((a, b) => b - a),
      );
      assert.ok(rows.every((row) => row.power !== null));
    }),
  );
});

test("a point has a power while the reading is fresh, and a target while an event binds", () => {
  assert.deepEqual(pointOf(state()), { power: 10, base: 10, target: null });
  const asked = state({ binding: "evt-1", required_kw: 2, base_power_kw: 10, power_kw: 8 });
  assert.deepEqual(pointOf(asked), { power: 8, base: 10, target: 8 });
  const old = state({ reading_at: AT - GAP_S - 1 });
  assert.deepEqual(pointOf(old), { power: null, base: null, target: null });
  const never = state({ reading_at: null, power_kw: null, base_power_kw: null, binding: "evt-1" });
  assert.deepEqual(pointOf(never), { power: null, base: null, target: null });
  const all = state({ binding: "evt-1", required_kw: 20 });
  assert.equal(pointOf(all).target, 0, "no target is below nothing");
});

test("a quarter of an hour is shown", () => assert.equal(SPAN_S, 900));
