// Ends events before their time: asks where the grid operator called them, offers a way back else.
import { newKey, tell } from "../core/api.js";
import { serverNow, state } from "../core/live.js";
import { list, moment, rating } from "../core/words.js";
import { confirmFirst, tellToast } from "./dialog.js";

const LEAST_S = 1;

/** `2 kW, 17:57 to 18:57`. */
export function terms(event) {
  const { t, site } = state.peek();
  const at = (when) => moment(when, t, site.timezone);
  return `${rating(event.requested_kw)}, ${at(event.start)} to ${at(event.end)}`;
}

/** What goes to the operator once it is done, in the words that are sent. */
function toldSentence(event, word) {
  const told = event[`${word}_reports`].map((one) => `“${one}”`);
  if (told.length === 0) return "The operator is told nothing.";
  const when = state.peek().link.state === "connected" ? "" : ", once the grid link is up,";
  return `The operator is told${when} ${list(told)}, and that it was ended here.`;
}

const whose = (event) => (event.theirs ? "Called by the grid operator" : "Called here");

/** Whose the events are, how much, when, and what the operator will hear, as facts of a question. */
export function factsOf(events, word) {
  return events.flatMap((event) => [
    ["calendar-clock", `${whose(event)}: ${terms(event)}.`],
    ...(event.theirs ? [["send", toldSentence(event, word)]] : []),
  ]);
}

/**
 * Ends `events`; `word` is restore or cancel. `send(body)` makes the request that `run` carries out.
 * Where the operator called one of them it asks first; one's own come back by Undo.
 */
export async function endEvents({ events, word, run, send }) {
  const own = events.filter((one) => !one.theirs).map((one) => [one, confirmsCritical(one)]);
  const theirs = events.filter((one) => one.theirs);
  const end = async (body) => (await run(send(body))) && offerUndo(own, word);
  if (theirs.length === 0) return end({});
  const several = events.length > 1;
  const what = several ? `${events.length} events` : "the grid operator's event";
  confirmFirst({
    name: "triangle-alert",
    title: word === "cancel" ? `Cancel ${what}?` : `End ${what} early?`,
    text: "The grid operator counts on it.",
    facts: factsOf(events, word),
    wants: "Reason, for the record",
    keep: word === "cancel" ? "Keep it scheduled" : "Keep it running",
    go: word === "cancel" ? `Cancel ${several ? "them" : "the event"}` : "End early",
    danger: true,
    act: (reason) => end({ confirm_operator: true, ...(reason && { reason }) }),
  });
}

/** Who called the event back would accept again what it turns down now. */
const confirmsCritical = (event) =>
  event.active && state.peek().circuits.some((one) => one.critical && one.planned_kw > 0);

function offerUndo(own, word) {
  if (own.length === 0) return;
  const many = own.length > 1 ? `${own.length} events` : "Event";
  const done = word === "cancel" ? "cancelled" : "ended";
  tellToast(`${many} ${done}.`, () => {
    for (const [event, critical] of own) callAgain(event, critical);
  });
}

/** What is left of it, as a new event: an id stands for one event only. */
async function callAgain(event, critical) {
  const begins = Math.max(event.start, serverNow());
  const duration_s = Math.round(event.end - begins);
  if (duration_s < LEAST_S) return tellToast("It would be over by now.");
  const later = event.start > serverNow();
  const body = {
    shed_kw: event.requested_kw,
    duration_s,
    ...(later && { start_at: new Date(event.start * 1000).toISOString().replace(/\.\d+Z/, "Z") }),
    ...(critical && { confirm_critical: true }),
  };
  try {
    await tell("POST", "/api/v1/events", body, { key: newKey(), most: 3 });
    tellToast(later ? "The event is scheduled again." : "The event runs again.");
  } catch (error) {
    tellToast(error.message);
  }
}
