// The form that asks for an event, beside the preview of what it would do.
import { missing } from "../core/event-input.js";
import { latest, second, stale } from "../core/live.js";
import { computed, html, useEffect, useRef } from "../vendor/ui.js";
import { icon, problem } from "./components.js";
import { Amount, Duration, readForm, rememberForm, Start } from "./event-fields.js";
import { freshPreview, Preview, previewNow, previewSoon } from "./preview.js";
import { useRequest } from "./request.js";
import { announce, askAboutCritical, trigger } from "./trigger.js";

/** @import { Preview as Answer } from "../core/bodies.js" */
/** @import { Asked } from "../core/preview-text.js" */
/** @import { Draft } from "./trigger.js" */

/** Loads drift, so a preview is fetched again before it is too old to act on. */
const everyFiveSeconds = computed(() => Math.floor(second.value / 5));

/** What changes the plan at once: a circuit going on or off, an event beginning or ending. */
const situation = computed(() => {
  const now = latest();
  return [now.binding, ...now.circuits.map((circuit) => circuit.enabled)].join();
});

/** @param {Asked | null} asked */
function usePreview(asked) {
  const dead = stale.value || document.hidden;
  useEffect(() => {
    previewSoon(dead ? null : asked);
  }, [
    asked?.shed_kw,
    asked?.duration_s,
    asked?.start_at,
    dead,
    everyFiveSeconds.value,
    situation.value,
  ]);
  useEffect(() => () => previewSoon(null), []);
}

/**
 * `done` is called once the controller has accepted the event.
 * @param {{done: () => void}} props
 */
export function EventForm({ done }) {
  const { site } = latest();
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const { busy, message, run } = useRequest();
  const input = readForm(site);
  const { asked, faults, start_at } = input;
  usePreview(asked);

  /** @param {Draft} draft @param {Answer} preview @param {boolean} confirmed */
  const go = (draft, preview, confirmed) =>
    run(async (onSilence) => {
      const ack = await trigger(draft, preview, confirmed, onSilence);
      rememberForm();
      announce(ack, site);
      done();
    });

  const submit = async () => {
    /** @type {HTMLElement | null | undefined} */
    const wrong = form.current?.querySelector("[aria-invalid=true]");
    if (wrong) return wrong.focus();
    if (!asked) return;
    const draft = { asked, start_at };
    /** @type {{preview: Answer | null}} */
    const found = { preview: null };
    await run(async () => {
      found.preview = freshPreview(asked) ?? (await previewNow(asked));
    });
    const { preview } = found;
    if (!preview) return;
    if (preview.touches_critical) askAboutCritical(draft, preview, () => go(draft, preview, true));
    else await go(draft, preview, false);
  };

  // Enter, or Done on a phone, only leaves a field: what it would start is then read, not started.
  /** @param {KeyboardEvent} event */
  const leave = (event) => {
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    /** @type {HTMLElement | null | undefined} */
    const preview = form.current?.querySelector(".preview");
    preview?.focus();
  };

  const hint = stale.value ? "No preview without a connection to the controller." : missing(input);
  return html`<form ref=${form} onKeyDown=${leave} novalidate>
    <fieldset class="form" disabled=${stale.value}>
      <legend class="visually-hidden">New event</legend>
      <div>
        <${Amount} site=${site} fault=${faults.shed} />
        <${Duration} site=${site} fault=${faults.duration} />
        <${Start} site=${site} fault=${faults.start} />
      </div>
      <${Preview} asked=${asked} hint=${hint} />
    </fieldset>
    ${problem(message.value)}
    <div class="actions">
      <button type="button" class="button primary" disabled=${stale.value} aria-busy=${String(busy.value)}
        onClick=${submit}>
        ${icon(start_at === null ? "send" : "calendar-clock")}
        ${start_at === null ? "Trigger DR Event" : "Schedule event"}
      </button>
    </div>
  </form>`;
}
