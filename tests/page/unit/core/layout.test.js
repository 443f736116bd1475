import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { graphOf, layOut } from "../../../../web/static/core/layout.js";

/** @import { Chart } from "../../../../web/static/core/bodies.js" */

const NAMES = ["received", "scheduled", "shedding", "restoring", "verifying", "completed"];
const TRIGGERS = ["dr_event", "started", "ended", "restore", "cancel", "elapsed", "own_trigger"];

const rows = fc.array(
  fc.record({
    trigger: fc.constantFrom(...TRIGGERS),
    from: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
    to: fc.option(fc.constantFrom(...NAMES, "same"), { nil: null }),
  }),
  { maxLength: 12 },
);

/** @type {import("fast-check").Arbitrary<Chart>} */
const charts = rows.map((all) => ({
  name: "event",
  initial: "received",
  states: NAMES.map((name) => ({ name, label: name, final: name === "completed" })),
  rows: all,
}));

const upright = fc.boolean();

test("there is one edge for each pair of states that some row joins, and none for one that stays", () => {
  fc.assert(
    fc.property(charts, (chart) => {
      const joined = chart.rows.flatMap(({ from, to }) =>
        to === null ? [] : from.map((name) => `${name}>${to === "same" ? name : to}`),
      );
      const edges = graphOf(chart).edges.map(({ from, to }) => `${from}>${to}`);
      assert.deepEqual(edges.sort(), [...new Set(joined)].sort());
    }),
  );
});

test("an edge says what happened, once, and a site's own trigger by its name", () => {
  const states = ["a", "b"].map((name) => ({ name, label: name, final: false }));
  const rows = ["released", "released", "own_trigger"].map((trigger) => ({
    trigger,
    from: ["a"],
    to: "b",
  }));
  const [edge] = graphOf({ name: "event", initial: "a", states, rows }).edges;
  assert.deepEqual(edge.words, ["load is back", "own trigger"]);
});

test("no two states overlap, and everything lies inside the drawing", () => {
  fc.assert(
    fc.property(charts, upright, (chart, upright) => {
      const { left, top, width, height, nodes, edges } = layOut(graphOf(chart), upright);
      assert.equal(nodes.length, NAMES.length);
      nodes.forEach((a, i) => {
        assert.ok(a.x - a.width / 2 >= left && a.x + a.width / 2 <= left + width, a.name);
        assert.ok(a.y - a.height / 2 >= top && a.y + a.height / 2 <= top + height, a.name);
        for (const b of nodes.slice(0, i)) {
          const apart =
            Math.abs(a.x - b.x) >= (a.width + b.width) / 2 - 0.01 ||
            Math.abs(a.y - b.y) >= (a.height + b.height) / 2 - 0.01;
          assert.ok(apart, `${a.name} on ${b.name}`);
        }
      });
      for (const edge of edges) {
        assert.ok(edge.x >= left && edge.x <= left + width, "words");
        assert.ok(edge.y >= top && edge.y <= top + height, "words");
      }
    }),
    { numRuns: 40 },
  );
});

test("a chart is drawn the same every time", () => {
  fc.assert(
    fc.property(charts, upright, (chart, upright) => {
      const graph = graphOf(chart);
      assert.deepEqual(layOut(graph, upright), layOut(graph, upright));
    }),
    { numRuns: 10 },
  );
});

test("upright a chart is taller than flat, where it has a way to go", () => {
  const states = NAMES.map((name) => ({ name, label: name, final: false }));
  const rows = NAMES.slice(1).map((to, i) => ({ trigger: "elapsed", from: [NAMES[i]], to }));
  const graph = graphOf({ name: "event", initial: "received", states, rows });
  const [flat, tall] = [layOut(graph, false), layOut(graph, true)];
  assert.ok(tall.height > flat.height && tall.width < flat.width);
});
