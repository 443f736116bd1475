import "../browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  kw,
  kwNumber,
  ordinal,
  percent,
  rating,
  readNumber,
  typed,
} from "../../../../web/static/core/numbers.js";
import { plain } from "../plain.js";

const thousandths = (most = 1_000_000) => fc.integer({ min: 0, max: most }).map((n) => n / 1000);

test("a power is read back as what it is, to half of its last digit", () => {
  fc.assert(
    fc.property(fc.double({ min: -500, max: 500, noNaN: true }), (value) => {
      const text = kwNumber(value).replace("\u2212", "-");
      const decimals = text.split(".")[1]?.length ?? 0;
      assert.ok(
        Math.abs(Number(text) - value) <= 0.5 * 10 ** -decimals + 1e-9,
        `${value}: ${text}`,
      );
    }),
  );
});

test("a power has two decimals below 10, one below 100, then none", () => {
  const shown = [0, 2, 9.994, 9.996, 12.34, 99.96, 261.4, -1.5].map(kwNumber);
  assert.deepEqual(shown, ["0.00", "2.00", "9.99", "10.0", "12.3", "100", "261", "\u22121.50"]);
});

test("nothing has a sign of its own when it is zero, and what is unknown is a dash", () => {
  assert.equal(kwNumber(-0.001), "0.00");
  assert.equal(kwNumber(-0), "0.00");
  assert.equal(plain(kw(null)), "– kW");
});

test("a unit never stands on a line of its own", () => {
  for (const text of [kw(2), rating(2), percent(70)]) assert.match(text, /^[\d.]+\u00a0\S+$/);
});

test("a rating has no more decimals than it needs", () => {
  assert.deepEqual(
    [2, 1.5, 0.25].map((value) => plain(rating(value))),
    ["2 kW", "1.5 kW", "0.25 kW"],
  );
  assert.equal(plain(rating(2, 1)), "2.0 kW");
});

test("what the page writes into a field, it reads back", () => {
  fc.assert(fc.property(thousandths(), (value) => assert.equal(readNumber(typed(value)), value)));
});

test("digits of any script are read, with any decimal sign", () => {
  const zeros = [
    0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xff10,
  ];
  fc.assert(
    fc.property(
      thousandths(),
      fc.constantFrom(...zeros),
      fc.constantFrom(".", ",", "\u066b"),
      (value, zero, sign) => {
        const text = String(value)
          .replace(".", sign)
          .replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
        assert.equal(readNumber(text), value);
      },
    ),
  );
});

test("what is not a number is not read as one", () => {
  for (const text of ["", " ", ".", "1,2,3", "-1", "1e3", "2 kW", "0x10", "١٢٫"]) {
    const number = readNumber(text);
    assert.ok(text === "١٢٫" ? number === 12 : Number.isNaN(number), text);
  }
});

test("ordinals", () => {
  const numbers = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 101, 111];
  const words = "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 101st 111th".split(" ");
  assert.deepEqual(numbers.map(ordinal), words);
});
