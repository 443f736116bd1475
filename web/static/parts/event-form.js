// The form that asks for an event, beside the preview of what it would do.

import { second, stale, state } from "../core/live.js";
import { computed, html, useEffect, useRef } from "../vendor/ui.js";
import { complaint, icon } from "./components.js";
import { Amount, Duration, readForm, rememberForm, Start } from "./event-fields.js";
import { freshPreview, Preview, previewNow, previewSoon } from "./preview.js";
import { useDeed } from "./request.js";
import { askAboutCritical, send, welcome } from "./trigger.js";

/** Loads drift, so a preview is taken anew before it is too old to act on. */
const everyFiveSeconds = computed(() => Math.floor(second.value / 5));

/** What changes the plan at once: a circuit going on or off, an event beginning or ending. */
const situation = computed(() => {
  const now = state.value;
  return [now.binding, ...now.circuits.map((one) => one.enabled)].join();
});

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

function hintFor({ asked, faults }) {
  if (stale.value) return "No preview without a connection to the controller.";
  if (faults.start) return "Enter when it starts.";
  return asked ? "" : "Enter an amount and a duration.";
}

/** `done` is called once the controller has taken the event. */
export function EventForm({ done }) {
  const { site } = state.value;
  const form = useRef();
  const { busy, said, run } = useDeed();
  const wish = readForm(site);
  const { asked, faults, start_at } = wish;
  usePreview(asked);

  const go = (answer, confirmed) =>
    run(async (onSilence) => {
      const ack = await send(wish, answer, confirmed, onSilence);
      rememberForm();
      welcome(ack, site);
      done();
    });

  const submit = async () => {
    const wrong = form.current.querySelector("[aria-invalid=true]");
    if (wrong) return wrong.focus();
    let answer;
    const known = await run(async () => {
      answer = freshPreview(asked) ?? (await previewNow(asked));
    });
    if (!known) return;
    if (answer.touches_critical) askAboutCritical(wish, answer, () => go(answer, true));
    else await go(answer, false);
  };

  // Enter, or Done on a phone, only leaves a field: what it would start is then read, not started.
  const leave = (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    form.current.querySelector(".preview").focus();
  };

  return html`<form ref=${form} onKeyDown=${leave} novalidate>
    <fieldset class="form" disabled=${stale.value}>
      <legend class="visually-hidden">New event</legend>
      <div>
        <${Amount} site=${site} fault=${faults.shed} />
        <${Duration} site=${site} fault=${faults.duration} />
        <${Start} site=${site} fault=${faults.start} />
      </div>
      <${Preview} asked=${asked} hint=${hintFor(wish)} />
    </fieldset>
    ${complaint(said.value)}
    <div class="actions">
      <button type="button" class="button primary" disabled=${stale.value} aria-busy=${String(busy.value)}
        onClick=${submit}>
        ${icon(start_at === null ? "send" : "calendar-clock")}
        ${start_at === null ? "Trigger DR Event" : "Schedule event"}
      </button>
    </div>
  </form>`;
}
