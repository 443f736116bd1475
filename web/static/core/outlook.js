// What is to come, in sentences: how a circuit comes back, how an event is served, what an end does.
import { kw, list, rating, until } from "./words.js";

const ENOUGH = 0.95; // of what is asked, as the controller counts it
const SOON_S = 5;
const SAID_S = 10; // a milestone that is older is not true any more
const MILESTONES = [
  [60, "One minute remaining."],
  [300, "Five minutes remaining."],
];
const STAYS_OFF = "stays off until someone switches it on";

const names = (ids, now) =>
  list(ids.map((id) => now.circuits.find((one) => one.id === id)?.name ?? id));

/** `Paused by event until 14:35`, and what else brings it back than the event's end. */
export function givingWay({ held_kw, back_how, back_at }, now) {
  const word = held_kw === 0 ? "Paused by event" : "Turned down by event";
  if (back_how === "by_hand") return `${word}: ${STAYS_OFF}`;
  if (back_how === "room") return `${word} until there is room below the main breaker`;
  if (back_at === null) return word;
  const time = until(back_at, now.site.timezone);
  const why = {
    following: ": another event needs it",
    max_off: ", the longest it may be off",
    budget: ": it may give no longer today",
    rest: ", when it has rested",
  }[back_how];
  return `${word} until ${time}${why ?? ""}`;
}

/** What is said of a circuit that nothing asks for any more, and that is not back yet. */
export function onItsWay({ back_how, back_at }, now, soon) {
  if (back_how === "by_hand") return "Stays off until someone switches it on";
  if (back_how === "room") return "Comes back when there is room below the main breaker";
  if (back_at === null) return "Comes back when no event needs it any more";
  if (back_how === "following") {
    return `Stays down for another event, until ${until(back_at, now.site.timezone)}`;
  }
  return `Comes back in ${soon}`;
}

/** What of an event has just become true, with so many seconds left and gone; else nothing. */
export function milestone(left, gone) {
  const reached = MILESTONES.find(([at]) => left <= at && left > at - SAID_S && left + gone > at);
  return reached ? reached[1] : gone < SAID_S ? "Event running." : "";
}

/** Of these circuits, which ones no end of an event switches on: a sentence, or nothing. */
export function staysOff(circuits, now) {
  const ids = circuits.filter((one) => one.comes_back === "by_hand").map((one) => one.id);
  return ids.length ? `${names(ids, now)} ${plural(ids, STAYS_OFF)}.` : "";
}

/** How an event is served at this moment: [tone, icon, words], or null where nothing is to say. */
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
  if (on_target === null) return ["", "hourglass", "Not measured now"];
  if (!on_target) return null;
  const part = required < event.requested_kw;
  const words = part
    ? `On target for now: ${rating(required)} of ${rating(event.requested_kw)}`
    : "Achieved";
  return ["ok", "circle-check", words];
}

/** What Restore would do: which events end, when load is back, and what does not come back by it. */
export function restoring(now) {
  const { ends, back_at, by_hand, kept_down, unknown } = now.restore;
  const said = [
    ends.length === 1
      ? "Restore ends this event early."
      : `Restore ends ${ends.length} events early.`,
  ];
  if (now.mode === "observe") return said[0];
  if (back_at !== null && kept_down.length === 0) {
    const at_once = back_at - now.t < SOON_S;
    said.push(
      at_once ? "Load returns at once." : `Load is back at ${until(back_at, now.site.timezone)}.`,
    );
  }
  if (by_hand.length) said.push(`${names(by_hand, now)} ${plural(by_hand, STAYS_OFF)}.`);
  if (kept_down.length)
    said.push(`${names(kept_down, now)} ${plural(kept_down, "stays down for another event")}.`);
  if (unknown.length)
    said.push(
      `${names(unknown, now)} ${plural(unknown, "waits for room below the main breaker")}.`,
    );
  const stay = now.events.filter((one) => one.scheduled).length;
  if (stay) said.push(stay === 1 ? "One scheduled event stays." : `${stay} scheduled events stay.`);
  return said.join(" ");
}

/** `2.00 kW of 2.00 kW asked`; of an event that what runs covers, that nothing would change. */
export function outcome(answer, now) {
  const { asked_kw: asked, shed_kw: shed, more_kw: more, running_kw: running } = answer;
  const at = (t) => until(t, now.site.timezone);
  if (answer.covered_until !== null) {
    if (answer.ends_at <= answer.covered_until) {
      return `Nothing would change: what runs sheds ${rating(running)} until ${at(answer.covered_until)}.`;
    }
    return (
      `Nothing would change until ${at(answer.covered_until)}: what runs sheds ${rating(running)}. ` +
      `Then ${rating(asked)} until ${at(answer.ends_at)}.`
    );
  }
  const before = answer.starts_at === null ? "now" : "without it";
  const beside = running > 0 ? `, ${kw(more)} more than ${before}` : "";
  const over = shed - asked > 0.005 ? `: ${kw(shed)} are shed, as circuits give in steps` : "";
  return `${kw(Math.min(shed, asked))} of ${kw(asked)} asked${over}${beside}`;
}

const plural = (ids, words) =>
  ids.length === 1
    ? words
    : words.replace(/^(stay|wait)s/, "$1").replace("switches it", "switches them");
