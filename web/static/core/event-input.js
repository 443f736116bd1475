// What was typed into the event form as numbers, and what is wrong with it.
import { rating, readNumber } from "./numbers.js";
import { duration, localField } from "./times.js";

/** @import { Site } from "./bodies.js" */
/** @import { Asked } from "./preview-text.js" */

/** The least that can be asked for. */
export const LEAST_KW = 0.1;

/**
 * What stands in the fields; `start_at` is null for now.
 * @typedef {{shed: string, duration: string, start_at: string | null}} Typed
 */

/** A sentence for each field that is wrong. @typedef {{shed?: string, duration?: string, start?: string}} Faults */

/**
 * `asked` is null where the amount or the duration is wrong; `start_at` is null for now.
 * @typedef {{asked: Asked | null, faults: Faults, start_at: string | null}} EventInput
 */

/**
 * @param {Typed} fields @param {Site} site @param {number} now epoch seconds
 * @returns {EventInput}
 */
export function readEvent({ shed, duration: length, start_at }, site, now) {
  const shed_kw = readNumber(shed);
  const duration_s = readNumber(length);
  /** @type {Faults} */
  const faults = {};
  if (!(shed_kw >= LEAST_KW && shed_kw <= site.service_kw)) {
    faults.shed = `Enter an amount from ${rating(LEAST_KW)} to ${rating(site.service_kw)}.`;
  }
  const most_s = site.longest_event_s;
  if (!(Number.isInteger(duration_s) && duration_s >= 1 && duration_s <= most_s)) {
    faults.duration = `Enter whole seconds, at most ${most_s} (${duration(most_s)}).`;
  }
  if (start_at !== null && !(start_at > localField(now, site.timezone))) {
    faults.start = "Enter a date and time in the future.";
  }
  const when = start_at !== null && !faults.start ? { start_at } : {};
  const asked = faults.shed || faults.duration ? null : { shed_kw, duration_s, ...when };
  return { asked, faults, start_at };
}

/**
 * What the preview says instead of a plan while the form is not complete; "" when it is.
 * @param {EventInput} input
 */
export function missing({ faults }) {
  if (faults.start) return "Enter a start time in the future.";
  if (faults.shed && faults.duration) return "Enter an amount and a duration.";
  if (faults.shed) return "Enter an amount.";
  return faults.duration ? "Enter a duration." : "";
}
