// Ends events early: asks first where the grid operator called them, else offers Undo.
import { messageOf, newKey, send } from "../core/api.js";
import { latest, serverNow } from "../core/live.js";
import { rating } from "../core/numbers.js";
import { moment } from "../core/times.js";
import { list } from "../core/words.js";
import { confirmFirst, showToast } from "./dialog.js";

/** @import { DrEvent } from "../core/bodies.js" */
/** @import { Fact } from "./dialog.js" */
/** @import { Run, Send } from "./request.js" */

/** @typedef {"restore" | "cancel"} Ending */

const LEAST_S = 1;

/** The label of the line for a reason. */
export const REASON = "Reason, for the record";

/**
 * `2 kW, 17:57 to 18:57`.
 * @param {DrEvent} event
 */
export function terms(event) {
  const { t, site } = latest();
  /** @param {number} when */
  const at = (when) => moment(when, t, site.timezone);
  return `${rating(event.requested_kw)}, ${at(event.start)} to ${at(event.end)}`;
}

/**
 * What the operator receives once it is done, in the words that are sent.
 * @param {DrEvent} event @param {Ending} ending
 */
function reportSentence(event, ending) {
  const reports = ending === "restore" ? event.restore_reports : event.cancel_reports;
  if (reports.length === 0) return "The operator is told nothing.";
  const when = latest().link.state === "connected" ? "" : ", once the grid link is up,";
  const words = list(reports.map((word) => `“${word}”`));
  return `The operator is told${when} ${words}, and that it was ended here.`;
}

/**
 * Who called the events, how much, when, and what the operator will be told.
 * @param {DrEvent[]} events @param {Ending} ending
 * @returns {Fact[]}
 */
export const factsOf = (events, ending) =>
  events.flatMap((event) => {
    const caller = event.theirs ? "Called by the grid operator" : "Called at this site";
    /** @type {Fact[]} */
    const facts = [["calendar-clock", `${caller}: ${terms(event)}.`]];
    if (event.theirs) facts.push(["send", reportSentence(event, ending)]);
    return facts;
  });

/**
 * Ends `events`. `send` makes the request of a body, and `run` carries it out.
 * @param {{events: DrEvent[], ending: Ending, run: Run, request: (body: object) => Send}} what
 */
export async function endEvents({ events, ending, run, request }) {
  /** @type {[DrEvent, boolean][]} */
  const own = events
    .filter((event) => !event.theirs)
    .map((event) => [event, confirmsCritical(event)]);
  /** @param {object} body */
  const end = async (body) => (await run(request(body))) && offerUndo(own, ending);
  if (own.length === events.length) return end({});
  const several = events.length > 1;
  const what = several ? `${events.length} events` : "the grid operator's event";
  const cancels = ending === "cancel";
  confirmFirst({
    name: "triangle-alert",
    title: cancels ? `Cancel ${what}?` : `End ${what} early?`,
    text: "The grid operator is counting on it.",
    facts: factsOf(events, ending),
    reason: REASON,
    keep: cancels ? "Keep it scheduled" : "Keep it running",
    go: cancels ? `Cancel ${several ? "them" : "the event"}` : "End early",
    danger: true,
    act: (reason) => end({ confirm_operator: true, ...(reason && { reason }) }),
  });
}

/**
 * Whether to call the event again means to turn critical circuits down again.
 * @param {DrEvent} event
 */
const confirmsCritical = (event) =>
  event.active && latest().circuits.some((circuit) => circuit.critical && circuit.planned_kw > 0);

/** @param {[DrEvent, boolean][]} own @param {Ending} ending */
function offerUndo(own, ending) {
  if (own.length === 0) return;
  const many = own.length > 1 ? `${own.length} events` : "Event";
  showToast(`${many} ${ending === "cancel" ? "cancelled" : "ended"}.`, () => {
    for (const [event, critical] of own) callAgain(event, critical);
  });
}

/**
 * What is left of it, as a new event: an id stands for one event only.
 * @param {DrEvent} event @param {boolean} critical
 */
async function callAgain(event, critical) {
  const begins = Math.max(event.start, serverNow());
  const duration_s = Math.round(event.end - begins);
  if (duration_s < LEAST_S) return showToast("Its end has passed, so it was not called again.");
  const later = event.start > serverNow();
  const body = {
    shed_kw: event.requested_kw,
    duration_s,
    ...(later && { start_at: new Date(event.start * 1000).toISOString().replace(/\.\d+Z/, "Z") }),
    ...(critical && { confirm_critical: true }),
  };
  try {
    await send("POST", "/api/v1/events", body, { key: newKey(), most: 3 });
    showToast(later ? "The event is scheduled again." : "The event runs again.");
  } catch (error) {
    showToast(messageOf(error));
  }
}
