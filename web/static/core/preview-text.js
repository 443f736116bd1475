// What an event would do, in sentences: reads an answer of GET /api/v1/preview.
import { kw, percent, rating } from "./numbers.js";
import { duration, until } from "./times.js";
import { few } from "./words.js";

/** @import { PlanLine, Preview, State } from "./bodies.js" */

/**
 * What is asked of a preview, and of the controller.
 * @typedef {{shed_kw: number, duration_s: number, start_at?: string}} Asked
 */

/** Less than this is nothing: it would be shown as 0.00 kW. */
const NOTHING_KW = 0.005;

/** Reasons for which a circuit adds nothing that everybody expects. */
const EXPECTED = new Set(["not needed", "never shed", "not declared to be shed"]);

/**
 * Whether a circuit that gives nothing for this reason is as everybody expects.
 * @param {string} reason
 */
export const isExpected = (reason) => EXPECTED.has(reason);

/**
 * Whether two previews answer the same question.
 * @param {Asked} a @param {Asked} b
 */
export const same = (a, b) =>
  a.shed_kw === b.shed_kw && a.duration_s === b.duration_s && a.start_at === b.start_at;

/**
 * `2.00 kW of 2.00 kW asked`; for what a running event covers, that nothing would change.
 * @param {Preview} answer @param {State} now
 */
export function outcome(answer, now) {
  const { asked_kw: asked, shed_kw: shed, more_kw: more, running_kw: running } = answer;
  const { covered_until, ends_at, starts_at } = answer;
  /** @param {number} t */
  const at = (t) => until(t, now.site.timezone);
  if (covered_until !== null) {
    const running_text = `the running event already sheds ${rating(running)}`;
    if (ends_at <= covered_until) {
      return `Nothing would change: ${running_text} until ${at(covered_until)}.`;
    }
    return (
      `Nothing would change until ${at(covered_until)}: ${running_text}. ` +
      `Then ${rating(asked)} until ${at(ends_at)}.`
    );
  }
  const before = starts_at === null ? "now" : "without it";
  const beside = running > 0 ? `, ${kw(more)} more than ${before}` : "";
  const stepped = `. Circuits are shed in steps, so ${kw(shed)} would be shed`;
  const over = shed - asked > NOTHING_KW ? stepped : "";
  return `${kw(Math.min(shed, asked))} of ${kw(asked)} asked${beside}${over}`;
}

/**
 * What happens to the power of the site.
 * @param {Preview} answer
 */
export function course({ mode, starts_at, power_before_kw: before, power_after_kw: after }) {
  if (before === null || after === null) return "What the site draws is not known.";
  if (starts_at !== null) {
    return `As loads are now, from ${kw(before)} to ${kw(after)}. Planned again when it starts.`;
  }
  if (before - after < NOTHING_KW) return `Power stays at ${kw(before)}`;
  const falls = mode === "observe" ? "would fall" : "falls";
  return `Power ${falls} from ${kw(before)} to ${kw(after)}`;
}

/**
 * The critical circuits an event would turn down further than they are.
 * @param {Preview} answer
 */
export const criticalTouched = (answer) =>
  answer.circuits.filter((line) => line.critical && line.more_kw > 0);

/**
 * `HVAC stays on and drops 5 %.`
 * @param {PlanLine} line
 */
export function criticalEffect({ name, shed_kw, free_kw, left_kw }) {
  if (left_kw <= NOTHING_KW) return `${name} would be off.`;
  const share = Math.max(1, Math.round((100 * shed_kw) / free_kw));
  return `${name} stays on and drops ${percent(share)}.`;
}

/**
 * What the event does to critical circuits; nothing where none is critical.
 * @param {Preview} answer
 */
export function criticalText(answer) {
  const touched = criticalTouched(answer);
  const spared = answer.circuits.filter((line) => line.critical && line.shed_kw === 0);
  const names = few(spared.map((line) => line.name));
  const are = spared.length === 1 ? "is" : "are";
  if (touched.length === 0) {
    return spared.length ? `${names} ${are} critical and not touched.` : "";
  }
  const rest = spared.length ? ` ${names} ${are} not touched.` : "";
  return `Critical: ${touched.map(criticalEffect).join(" ")}${rest}`;
}

/**
 * Which circuits add nothing, each with its reason.
 * @param {Preview} answer
 */
export function unavailableText(answer) {
  const idle = answer.circuits.filter((line) => line.shed_kw === 0 && !isExpected(line.reason));
  if (idle.length === 0) return "";
  return `Not available: ${few(idle.map((line) => `${line.name} (${line.reason})`))}.`;
}

/**
 * By how much the event would fall short.
 * @param {Preview} answer
 */
export function shortText({ shed_kw, shortfall_kw }) {
  if (shortfall_kw < NOTHING_KW) return "";
  return `Only ${kw(shed_kw)} can be shed now. The event would fall ${kw(shortfall_kw)} short.`;
}

/**
 * Why the controller would refuse it.
 * @param {Preview} answer
 */
export function refusalText({ refusal }) {
  if (!refusal) return "";
  return `The controller would refuse this: ${refusal.detail ?? refusal.reason}.`;
}

/**
 * Which circuits cannot give for the whole time.
 * @param {Preview} answer
 */
export function lastingText(answer) {
  const brief = answer.circuits.filter((line) => line.lasts_s !== null);
  if (brief.length === 0) return "";
  const each = brief.map((line) => `${line.name} for at most ${duration(line.lasts_s ?? 0)}`);
  return `Not for the whole time: ${few(each)}.`;
}

/**
 * One sentence for screen readers; it leaves out what drifts, or they would talk all the time.
 * @param {Preview} answer
 */
export const spoken = ({ asked_kw, shortfall_kw }) =>
  shortfall_kw < NOTHING_KW
    ? `${kw(asked_kw)} can be shed.`
    : `Less than ${kw(asked_kw)} can be shed.`;
