// Triggers an event: the command, the question about critical circuits, the toast after.
import { newKey, Refusal, send } from "../core/api.js";
import { serverNow } from "../core/live.js";
import { kw } from "../core/numbers.js";
import { criticalEffect, criticalTouched } from "../core/preview-text.js";
import { duration, moment } from "../core/times.js";
import { confirmFirst, showToast } from "./dialog.js";
import { previewSoon } from "./preview.js";

/** @import { Ack, Preview, Site } from "../core/bodies.js" */
/** @import { Asked } from "../core/preview-text.js" */

/** An event to trigger; `start_at` is null for now. @typedef {{asked: Asked, start_at: string | null}} Draft */

/** @type {{print: string, key: string, body: object} | null} */
let unanswered = null;

/** @param {Draft} draft @param {Preview} preview @param {boolean} confirmed */
const commandFor = ({ asked, start_at }, preview, confirmed) => ({
  ...asked,
  // A later event is planned when it starts, so it is not bound to what is drawn now.
  ...(start_at ? { start_at } : { plan_rev: preview.rev }),
  ...(confirmed && { confirm_critical: true }),
});

/**
 * Triggers an event as `preview` planned it. What stayed without an answer is sent again as it was,
 * so that it is not done twice. Throws an error with a sentence for people.
 * @param {Draft} draft @param {Preview} preview @param {boolean} confirmed
 * @param {() => void} onSilence
 * @returns {Promise<Ack>}
 */
export async function trigger(draft, preview, confirmed, onSilence) {
  const print = JSON.stringify([draft.asked, draft.start_at]);
  if (unanswered?.print !== print) {
    unanswered = { print, key: newKey(), body: commandFor(draft, preview, confirmed) };
  }
  const { key, body } = unanswered;
  try {
    const ack = await send("POST", "/api/v1/events", body, { key, most: 3, onSilence });
    unanswered = null;
    return ack;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    unanswered = null;
    if (error.code !== "plan-changed") throw error;
    previewSoon(draft.asked);
    throw new Error("The loads have changed. Check the new preview, then try again.");
  }
}

/**
 * Lists the critical circuits that the event would turn down, and asks.
 * @param {Draft} draft @param {Preview} preview @param {() => unknown} act
 */
export function askAboutCritical(draft, preview, act) {
  const { shed_kw, duration_s } = draft.asked;
  confirmFirst({
    name: "shield",
    title: "Turn down critical circuits?",
    text: `${kw(shed_kw)} for ${duration(duration_s)} would turn them down further than now.`,
    facts: criticalTouched(preview).map((line) => ["zap", criticalEffect(line)]),
    keep: "Keep as it is",
    go: draft.start_at ? "Schedule anyway" : "Shed anyway",
    danger: true,
    act,
  });
}

/**
 * Says that the event was accepted.
 * @param {Ack} ack @param {Site} site
 */
export function announce(ack, site) {
  const when = ack.start_ts && moment(ack.start_ts, serverNow(), site.timezone);
  showToast(ack.status === "scheduled" && when ? `Event scheduled for ${when}.` : "Event started.");
}
