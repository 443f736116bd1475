// What an event would do before anyone asks for it: GET /api/v1/preview, and how it reads.

import { ask } from "../core/api.js";
import { state } from "../core/live.js";
import { outcome } from "../core/outlook.js";
import { duration, few, kw, percent, withIsolatedNames } from "../core/words.js";
import { html, signal } from "../vendor/ui.js";
import { bar, note } from "./components.js";

const AFTER_MS = 250;
const FRESH_MS = 10000;
const SILENT_REASONS = new Set(["not needed", "never shed", "not declared to be shed"]);

/** The newest preview: {asked, answer, at_ms}, or null. */
const newest = signal(null);
const fault = signal("");
let timer;
let running = null;

const same = (a, b) =>
  a.shed_kw === b.shed_kw && a.duration_s === b.duration_s && a.start_at === b.start_at;

/** Fetches the preview of `asked` and gives its answer. A request for another one is aborted. */
export function previewNow(asked) {
  clearTimeout(timer);
  if (running && same(running.asked, asked)) return running.answer;
  running?.abort.abort();
  const mine = { asked, abort: new AbortController() };
  running = mine;
  mine.answer = fetchPreview(mine).finally(() => {
    if (running === mine) running = null;
  });
  return mine.answer;
}

async function fetchPreview({ asked, abort }) {
  const path = `/api/v1/preview?${new URLSearchParams(asked)}`;
  const answer = withIsolatedNames(await ask(path, abort.signal));
  newest.value = { asked, answer, at_ms: Date.now() };
  fault.value = "";
  return answer;
}

/** Fetches the preview of `asked` 250 ms after the last call; null forgets it. */
export function previewSoon(asked) {
  clearTimeout(timer);
  if (asked === null) {
    running?.abort.abort();
    newest.value = null;
    return;
  }
  timer = setTimeout(() => previewNow(asked).catch(complain), AFTER_MS);
}

function complain(error) {
  if (error.name !== "AbortError") fault.value = error.message;
}

/** The answer for exactly `asked` if it is less than 10 s old, else null. */
export function freshPreview(asked) {
  const seen = newest.value;
  const fresh = seen && same(seen.asked, asked) && Date.now() - seen.at_ms < FRESH_MS;
  return fresh ? seen.answer : null;
}

/** What all circuits together could give now, or null before the first preview. */
export const mostPossible = () => newest.value?.answer.max_kw ?? null;

/** The critical circuits an event would turn down further than they are. */
export const criticalOnes = (answer) =>
  answer.circuits.filter((one) => one.critical && one.more_kw > 0);

/** `HVAC stays on and drops 5 %.` */
export const critically = ({ name, shed_kw, free_kw, left_kw }) =>
  left_kw > 0.005
    ? `${name} stays on and drops ${percent(Math.max(1, Math.round((100 * shed_kw) / free_kw)))}.`
    : `${name} would be off.`;

function criticalNote(answer) {
  const touched = criticalOnes(answer);
  const spared = answer.circuits.filter((one) => one.critical && one.shed_kw === 0);
  if (touched.length + spared.length === 0) return null;
  const names = few(spared.map((one) => one.name));
  const are = spared.length === 1 ? "is" : "are";
  if (touched.length === 0) return note("shield", `${names} ${are} critical and not touched.`);
  const rest = spared.length ? ` ${names} ${are} not touched.` : "";
  return note("shield", `Critical: ${touched.map(critically).join(" ")}${rest}`);
}

function idleNote(answer) {
  const idle = answer.circuits.filter(
    (one) => one.shed_kw === 0 && !SILENT_REASONS.has(one.reason),
  );
  if (idle.length === 0) return null;
  return note("info", `Adds nothing: ${few(idle.map((one) => `${one.name} (${one.reason})`))}.`);
}

function shortNote({ shed_kw, shortfall_kw }) {
  if (shortfall_kw < 0.005) return null;
  const text = `Only ${kw(shed_kw)} can be shed now. The event would fall ${kw(shortfall_kw)} short.`;
  return note("triangle-alert", text, "warn");
}

const refusalNote = ({ refusal }) =>
  refusal &&
  note("triangle-alert", `This would be refused: ${refusal.detail ?? refusal.reason}.`, "bad");

function lastingNote(answer) {
  const brief = answer.circuits.filter((one) => one.lasts_s !== null);
  if (brief.length === 0) return null;
  const each = brief.map((one) => `${one.name} for ${duration(one.lasts_s)}`);
  return note("hourglass", `Not for the whole time: ${few(each)} at most.`);
}

/** An event that asks for no more than one that runs changes nothing. */
function course({ mode, starts_at, power_before_kw: before, power_after_kw: after }) {
  if (before === null) return "";
  if (starts_at !== null) {
    return `Planned anew when it starts. As loads are now: from ${kw(before)} to ${kw(after)}.`;
  }
  if (before - after < 0.005) return `Power stays at ${kw(before)}`;
  const falls = mode === "observe" ? "would fall" : "falls";
  return `Power ${falls} from ${kw(before)} to ${kw(after)}`;
}

function Plan({ answer }) {
  const givers = answer.circuits.filter((one) => one.more_kw > 0);
  return html`<p class="summary numeric">${outcome(answer, state.value)}<br />${course(answer)}</p>
    ${refusalNote(answer)}${shortNote(answer)}
    <ul class="numeric">
      ${givers.map(
        (one) => html`<li key=${one.id}>
        <span>${one.name}</span>${bar(one.left_kw, one.more_kw, one.rated_kw)}<b>${kw(-one.more_kw)}</b>
      </li>`,
      )}
    </ul>
    ${criticalNote(answer)}${lastingNote(answer)}${idleNote(answer)}
    ${answer.mode === "observe" && note("eye", "This site only observes: nothing is switched.")}`;
}

/** One sentence for screen readers; it leaves out what drifts, or it would talk all the time. */
function spoken(seen) {
  if (!seen) return "";
  const { asked_kw, shortfall_kw } = seen.answer;
  return shortfall_kw < 0.005
    ? `${kw(asked_kw)} can be shed.`
    : `Less than ${kw(asked_kw)} can be shed.`;
}

/** The box beside the form. `hint` replaces the plan when there is nothing to preview. */
export function Preview({ asked, hint }) {
  const seen = newest.value;
  const current = seen && asked && same(seen.asked, asked);
  const text = hint || fault.value || (seen ? "" : "Working it out…");
  return html`<div class="preview" data-testid="preview" tabindex="-1" aria-busy=${String(!current && !text)}>
    <h3>What this would do</h3>
    ${text ? html`<p class="summary">${text}</p>` : html`<${Plan} answer=${seen.answer} />`}
    <p class="visually-hidden" aria-live="polite">${!hint && current ? spoken(seen) : ""}</p>
  </div>`;
}
