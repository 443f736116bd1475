// The preview beside the event form: fetched before anyone asks for the event, and drawn.
import { get, messageOf } from "../core/api.js";
import { latest } from "../core/live.js";
import { kw } from "../core/numbers.js";
import * as text from "../core/preview-text.js";
import { withIsolatedNames } from "../core/words.js";
import { html, signal } from "../vendor/ui.js";
import { bar, note } from "./components.js";

/** @import { Preview as Answer } from "../core/bodies.js" */
/** @import { Asked } from "../core/preview-text.js" */

const AFTER_MS = 250;
const FRESH_MS = 10000;

/** @typedef {{asked: Asked, answer: Answer, at_ms: number}} Seen */

/** @typedef {{asked: Asked, abort: AbortController, answer: Promise<Answer>}} Running */

const newest = signal(/** @type {Seen | null} */ (null));
const fault = signal("");
/** @type {number | undefined} */
let timer;
/** @type {Running | null} */
let running = null;

/**
 * Fetches the preview of `asked`. A request for another one is aborted.
 * @param {Asked} asked
 */
export function previewNow(asked) {
  clearTimeout(timer);
  if (running && text.same(running.asked, asked)) return running.answer;
  running?.abort.abort();
  const abort = new AbortController();
  const answer = fetchPreview(asked, abort.signal).finally(() => {
    if (running === mine) running = null;
  });
  const mine = { asked, abort, answer };
  running = mine;
  return answer;
}

/** @param {Asked} asked @param {AbortSignal} signal @returns {Promise<Answer>} */
async function fetchPreview(asked, signal) {
  const fields = Object.entries(asked).map(([name, value]) => [name, String(value)]);
  const path = `/api/v1/preview?${new URLSearchParams(fields)}`;
  const answer = withIsolatedNames(await get(path, signal));
  newest.value = { asked, answer, at_ms: Date.now() };
  fault.value = "";
  return answer;
}

/**
 * Fetches the preview of `asked` 250 ms after the last call; null forgets it.
 * @param {Asked | null} asked
 */
export function previewSoon(asked) {
  clearTimeout(timer);
  if (asked === null) {
    running?.abort.abort();
    newest.value = null;
    return;
  }
  timer = setTimeout(() => previewNow(asked).catch(showFault), AFTER_MS);
}

/** @param {unknown} error */
function showFault(error) {
  const aborted = error instanceof Error && error.name === "AbortError";
  if (!aborted) fault.value = messageOf(error);
}

/**
 * The preview of exactly `asked` if it is less than 10 s old, else null.
 * @param {Asked} asked
 */
export function freshPreview(asked) {
  const seen = newest.value;
  const fresh = seen && text.same(seen.asked, asked) && Date.now() - seen.at_ms < FRESH_MS;
  return fresh ? seen.answer : null;
}

/** What all circuits together could give now, in kW; null before the first preview. */
export const mostPossible = () => newest.value?.answer.max_kw ?? null;

/** @param {{answer: Answer}} props */
function Plan({ answer }) {
  const lines = answer.circuits.filter((line) => line.more_kw > 0);
  const [critical, lasting] = [text.criticalText(answer), text.lastingText(answer)];
  const [idle, short] = [text.unavailableText(answer), text.shortText(answer)];
  const refusal = text.refusalText(answer);
  return html`<p class="summary numeric">${text.outcome(answer, latest())}<br />${text.course(answer)}</p>
    ${refusal && note("triangle-alert", refusal, "bad")}
    ${short && note("triangle-alert", short, "warn")}
    <ul class="numeric">
      ${lines.map(
        (line) => html`<li key=${line.id}>
        <span>${line.name}</span>${bar(line.left_kw, line.more_kw, line.rated_kw)}<b>${kw(-line.more_kw)}</b>
      </li>`,
      )}
    </ul>
    ${critical && note("shield", critical)}
    ${lasting && note("hourglass", lasting)}
    ${idle && note("info", idle)}
    ${answer.mode === "observe" && note("eye", "This site only observes: nothing is switched.")}`;
}

/**
 * The box beside the form. `hint` replaces the plan when there is nothing to preview.
 * @param {{asked: Asked | null, hint: string}} props
 */
export function Preview({ asked, hint }) {
  const seen = newest.value;
  const current = seen && asked && text.same(seen.asked, asked);
  const instead = hint || fault.value || (seen ? "" : "Calculating…");
  return html`<div class="preview" data-testid="preview" tabindex="-1"
    aria-busy=${String(!current && !instead)}>
    <h3>What this would do</h3>
    ${instead || !seen ? html`<p class="summary">${instead}</p>` : html`<${Plan} answer=${seen.answer} />`}
    <p class="visually-hidden" aria-live="polite">${!hint && current ? text.spoken(seen.answer) : ""}</p>
  </div>`;
}
