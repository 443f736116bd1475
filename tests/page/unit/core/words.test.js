import "../browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  asSentence,
  capital,
  few,
  isolated,
  list,
  sourceName,
  withIsolatedNames,
} from "../../../../web/static/core/words.js";

const HEBREW = "מקרר (גדול)";
const names = fc.array(fc.constantFrom("Hall", "Stairs", "Lobby", "Lift", "Roof"), {
  maxLength: 30,
});

test("names are listed like this", () => {
  assert.equal(list([]), "");
  assert.equal(list(["Heater"]), "Heater");
  assert.equal(list(["Heater", "Lights", "House Load"]), "Heater, Lights and House Load");
});

test("no list has more than five parts, and none is lost from the count", () => {
  fc.assert(
    fc.property(names, (all) => {
      const text = few(all);
      const more = /(\d+) more$/.exec(text);
      assert.ok(text.split(/, | and /).length <= 5);
      if (all.length > 5) assert.equal(Number(more?.[1]), all.length - 3);
      else assert.equal(text, list(all));
    }),
  );
});

test("a remark becomes a sentence, once", () => {
  assert.equal(asSentence("no answer from the charger"), "No answer from the charger.");
  assert.equal(asSentence("ven.yaml cannot be read"), "ven.yaml cannot be read.");
  assert.equal(asSentence("shed_kw is missing"), "shed_kw is missing.");
  assert.equal(asSentence("Is it on?"), "Is it on?");
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) =>
      assert.equal(asSentence(asSentence(text)), asSentence(text)),
    ),
  );
});

test("a word has its first letter large", () => {
  assert.equal(capital("the grid operator"), "The grid operator");
  assert.equal(capital(""), "");
});

test("a name from right to left is kept apart from what stands beside it", () => {
  assert.equal(isolated("Heater"), "Heater");
  assert.equal(isolated(HEBREW), `\u2068${HEBREW}\u2069`);
});

test("every name of an answer is isolated, however deep, and nothing else is changed", () => {
  const answer = { name: HEBREW, type: HEBREW, circuits: [{ name: HEBREW, power_kw: null }] };
  const marked = `\u2068${HEBREW}\u2069`;
  const expected = { name: marked, type: HEBREW, circuits: [{ name: marked, power_kw: null }] };
  assert.deepEqual(withIsolatedNames(answer), expected);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain = JSON.parse(JSON.stringify(value));
      const bare = JSON.parse(
        JSON.stringify(withIsolatedNames(plain)).replace(/[\u2068\u2069]/g, ""),
      );
      assert.deepEqual(bare, JSON.parse(JSON.stringify(plain).replace(/[\u2068\u2069]/g, "")));
    }),
  );
});

test("whoever called an event has a name, even one that the page does not know", () => {
  assert.equal(sourceName("operator"), "the grid operator");
  assert.equal(sourceName("neighbour"), "neighbour");
  assert.equal(sourceName(null), "");
});
