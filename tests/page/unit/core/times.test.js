import "../browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  clock,
  countdown,
  duration,
  localField,
  moment,
  soon,
  until,
} from "../../../../web/static/core/times.js";
import { plain } from "../plain.js";
import { AT } from "../site.js";

/** @param {string} text `4:12` or `1:04:12` or `16:05` */
const seconds = (text) => text.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);

/** @type {Record<string, number>} */
const UNITS = { s: 1, min: 60, h: 3600, days: 86_400 };
const moments = fc.integer({ min: 0, max: 4_000_000_000 });

test("a countdown shows the whole seconds that are left, and never less than none", () => {
  fc.assert(
    fc.property(fc.double({ min: -100, max: 1_000_000, noNaN: true }), (left) => {
      assert.equal(seconds(countdown(left)), Math.max(0, Math.floor(left)));
      assert.match(countdown(left), /^(\d+:)?\d{1,2}:\d\d$/);
    }),
  );
});

test("a short wait counts in seconds, a longer one down", () => {
  assert.deepEqual(
    [-3, 0, 8.9, 59.9, 60, 252].map((s) => plain(soon(s))),
    ["0 s", "0 s", "8 s", "59 s", "1:00", "4:12"],
  );
});

test("a length of time is right to the second below an hour, then to the minute, then the day", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), (total) => {
      const found = plain(duration(total)).matchAll(/(\d+) (s|min|h|days)/g);
      const sum = Array.from(found).reduce((all, [, n, unit]) => all + Number(n) * UNITS[unit], 0);
      const unit = total < 3600 ? 1 : total < 48 * 3600 ? 60 : 86_400;
      assert.equal(sum, total - (total % unit));
    }),
  );
});

test("lengths of time read like this", () => {
  const texts = [0, 42, 60, 108, 7440, 7200, 259_200].map((s) => plain(duration(s)));
  assert.deepEqual(texts, ["0 s", "42 s", "1 min", "1 min 48 s", "2 h 04 min", "2 h", "3 days"]);
});

test("an end is never told a minute early", () => {
  fc.assert(
    fc.property(moments, (t) => {
      const text = until(t, "UTC");
      const told = seconds(text) * (text.length > 5 ? 1 : 60);
      assert.equal(told, t % 86_400);
    }),
  );
});

test("a time is that of the site, wherever the browser is", () => {
  assert.equal(clock(AT, "UTC"), "16:00:00");
  assert.equal(clock(AT, "America/Los_Angeles"), "08:00:00");
  assert.equal(localField(AT, "Asia/Kolkata"), "2025-11-24T21:30");
});

test("a moment of another day has its date", () => {
  assert.equal(moment(AT + 60, AT, "UTC"), "16:01");
  assert.match(moment(AT + 86_400, AT, "UTC"), /^25 Nov(ember)?,? (at )?16:00$/);
});

test("the day of a moment is the site's, not the browser's", () => {
  const [evening, night] = [AT + 7 * 3600, AT + 9 * 3600];
  assert.equal(moment(night, evening, "America/Los_Angeles"), "17:00");
  assert.match(moment(night, evening, "UTC"), /^25 Nov/);
});

test("a date field has the minute that has begun", () => {
  fc.assert(
    fc.property(moments, (t) =>
      assert.equal(Date.parse(`${localField(t, "UTC")}Z`) / 1000, t - (t % 60)),
    ),
  );
});
