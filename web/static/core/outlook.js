// What will happen, in sentences: how a circuit comes back, how an event is served, what an end does.
import { kw, rating } from "./numbers.js";
import { until } from "./times.js";
import { list } from "./words.js";

/** @import { Circuit, DrEvent, State } from "./bodies.js" */

const ENOUGH = 0.95; // of what is asked, as the controller counts it
const AT_ONCE_S = 5;
const TRUE_FOR_S = 10; // an older milestone is no longer true
/** @type {[number, string][]} */
const MILESTONES = [
  [60, "One minute remaining."],
  [300, "Five minutes remaining."],
];
const STAYS_OFF = "stays off until someone switches it on";

/** @type {Record<string, string>} */
const REASONS = {
  following: " (needed by another event)",
  max_off: " (the longest it may be off)",
  budget: " (its limit for today)",
  rest: " (when it has rested)",
};

/** @param {string[]} ids @param {string} verb a verb and what follows, in the singular */
const agreeing = (ids, verb) =>
  ids.length === 1
    ? verb
    : verb.replace(/^(stay|wait)s/, "$1").replace("switches it", "switches them");

/** @param {string[]} ids @param {string} verb @param {State} now */
function sentenceOf(ids, verb, now) {
  const names = ids.map((id) => now.circuits.find((circuit) => circuit.id === id)?.name ?? id);
  return `${list(names)} ${agreeing(ids, verb)}.`;
}

/**
 * `Paused by event until 14:35`, and what else than the event's end brings the circuit back.
 * @param {Pick<Circuit, "held_kw" | "back_how" | "back_at">} circuit @param {State} now
 */
export function turnedDown({ held_kw, back_how, back_at }, now) {
  const word = held_kw === 0 ? "Paused by event" : "Turned down by event";
  if (back_how === "by_hand") return `${word}: ${STAYS_OFF}`;
  if (back_how === "room") return `${word} until the main breaker has room for it`;
  if (back_at === null) return word;
  return `${word} until ${until(back_at, now.site.timezone)}${REASONS[back_how ?? ""] ?? ""}`;
}

/**
 * Of a circuit that no event needs any more, and that is not back yet.
 * @param {Pick<Circuit, "back_how" | "back_at">} circuit @param {State} now
 * @param {string} wait how long it will take
 */
export function comingBack({ back_how, back_at }, now, wait) {
  if (back_how === "by_hand") return "Stays off until someone switches it on";
  if (back_how === "room") return "Comes back when the main breaker has room for it";
  if (back_at === null) return "Comes back when no event needs it";
  if (back_how === "following") {
    return `Turned down for another event until ${until(back_at, now.site.timezone)}`;
  }
  return `Comes back in ${wait}`;
}

/**
 * What has just become true of an event, with so many seconds left and gone; else nothing.
 * @param {number} left_s @param {number} gone_s
 */
export function milestone(left_s, gone_s) {
  const reached = MILESTONES.find(
    ([at]) => left_s <= at && left_s > at - TRUE_FOR_S && left_s + gone_s > at,
  );
  return reached ? reached[1] : gone_s < TRUE_FOR_S ? "Event running." : "";
}

/**
 * Which of these circuits do not come back at the end of an event: a sentence, or nothing.
 * @param {Circuit[]} circuits @param {State} now
 */
export function staysOff(circuits, now) {
  const ids = circuits.filter((circuit) => circuit.comes_back === "by_hand").map(({ id }) => id);
  return ids.length ? sentenceOf(ids, STAYS_OFF, now) : "";
}

/**
 * How an event is served at this moment: [tone, icon, words]; null where there is nothing to say.
 * @param {DrEvent} event @param {boolean} observes @param {number} shortBy_kw
 * @returns {[string, import("../vendor/icons.js").IconName, string] | null}
 */
export function served(event, observes, shortBy_kw) {
  const { delivery, on_target, possible_kw: possible, required_kw: required } = event;
  if (delivery === "superseded") return ["info", "info", "Another event asks for more"];
  if (observes || required === 0) return null;
  if (possible !== null && possible < required * ENOUGH) {
    return [
      "warn",
      "triangle-alert",
      `Only ${kw(possible)} of ${rating(required)} is possible now`,
    ];
  }
  if (shortBy_kw > 0) return ["warn", "triangle-alert", `Short by ${kw(shortBy_kw)}`];
  if (on_target === null) return ["", "hourglass", "No current reading"];
  if (!on_target) return null;
  const part = required < event.requested_kw;
  const partly = `On target for now: ${rating(required)} of ${rating(event.requested_kw)}`;
  return ["ok", "circle-check", part ? partly : "Achieved"];
}

/**
 * What Restore would do: which events end, when load is back, and what stays down or off.
 * @param {State} now
 */
export function restoring(now) {
  if (now.restore === null) return "";
  const { ends, back_at, by_hand, kept_down, unknown } = now.restore;
  const what = ends.length === 1 ? "this event" : `${ends.length} events`;
  const first = `Restore normal ends ${what} early.`;
  if (now.mode === "observe") return first;
  const sentences = [first];
  if (back_at !== null && kept_down.length === 0) {
    const time = until(back_at, now.site.timezone);
    sentences.push(
      back_at - now.t < AT_ONCE_S ? "Load returns at once." : `Load is back at ${time}.`,
    );
  }
  if (by_hand.length) sentences.push(sentenceOf(by_hand, STAYS_OFF, now));
  if (kept_down.length) sentences.push(sentenceOf(kept_down, "stays down for another event", now));
  if (unknown.length) {
    sentences.push(sentenceOf(unknown, "waits until the main breaker has room", now));
  }
  const scheduled = now.events.filter((event) => event.scheduled).length;
  if (scheduled === 1) sentences.push("One scheduled event stays.");
  if (scheduled > 1) sentences.push(`${scheduled} scheduled events stay.`);
  return sentences.join(" ");
}
