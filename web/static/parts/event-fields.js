// The fields of the event form: what they hold, and what is wrong with it.

import { serverNow } from "../core/live.js";
import { duration, kw, localField, rating, readNumber, typed } from "../core/words.js";
import { html, signal } from "../vendor/ui.js";
import { icon, remembered } from "./components.js";
import { mostPossible } from "./preview.js";

const DURATIONS = [
  [60, "1 min"],
  [300, "5 min"],
  [900, "15 min"],
  [3600, "1 h"],
];
const LEAST_KW = 0.1;

const shedText = signal(remembered.read("shed_kw") ?? typed(2));
const durationText = signal(remembered.read("duration_s") ?? "300");
const later = signal(false);
const startAt = signal("");

/** Keeps amount and length for the next visit, and goes back to starting now. */
export function rememberForm() {
  remembered.write("shed_kw", shedText.value);
  remembered.write("duration_s", durationText.value);
  later.value = false;
  startAt.value = "";
}

/**
 * The form as numbers, and what is wrong with it: a sentence per field. `asked` is null when the
 * amount or the length is no good, `start_at` null for now.
 */
export function readForm(site) {
  const shed_kw = readNumber(shedText.value);
  const duration_s = readNumber(durationText.value);
  const faults = {};
  if (!(shed_kw >= LEAST_KW && shed_kw <= site.service_kw)) {
    faults.shed = `From ${rating(LEAST_KW)} to ${rating(site.service_kw)}.`;
  }
  if (!(Number.isInteger(duration_s) && duration_s >= 1 && duration_s <= site.longest_event_s)) {
    faults.duration = `Whole seconds, at most ${site.longest_event_s} (${duration(site.longest_event_s)}).`;
  }
  if (later.value && !(startAt.value > localField(serverNow(), site.timezone))) {
    faults.start = "A date and time that is still to come.";
  }
  const start_at = later.value ? startAt.value : null;
  const when = start_at && !faults.start ? { start_at } : {};
  const asked = faults.shed || faults.duration ? null : { shed_kw, duration_s, ...when };
  return { asked, faults, start_at };
}

function Stepper({ id, label, unit, text, fault, step, names }) {
  const keys = { ArrowUp: 1, ArrowDown: -1 };
  const onKeyDown = (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    step(keys[event.key]);
  };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <div class="stepper">
      <button type="button" aria-label=${names[0]} onClick=${() => step(-1)}>${icon("minus")}</button>
      <span class="stepper-value">
        <input id=${id} inputmode="decimal" autocomplete="off" value=${text.value}
          aria-invalid=${String(Boolean(fault))} aria-describedby=${fault ? `${id}-fault` : undefined}
          onInput=${(event) => (text.value = event.target.value)} onKeyDown=${onKeyDown} />
        <span>${unit}</span>
      </span>
      <button type="button" aria-label=${names[1]} onClick=${() => step(1)}>${icon("plus")}</button>
    </div>
    ${fault && html`<p class="fault" id=${`${id}-fault`}>${fault}</p>`}
  </div>`;
}

const quick = (text, chosen, choose) =>
  html`<button type="button" aria-pressed=${String(chosen)} onClick=${choose}>${text}</button>`;

const within = (low, value, high) => Math.min(high, Math.max(low, value));

export function Amount({ site, fault }) {
  const value = readNumber(shedText.value);
  const most = mostPossible();
  const max_kw = most === null ? 0 : Math.floor(most * 100 + 1e-6) / 100;
  const set = (amount) => (shedText.value = typed(amount));
  const step = (by) =>
    set(within(LEAST_KW, Math.round((value || 0) * 10 + by) / 10, site.service_kw));
  return html`<div>
    <${Stepper} id="shed" label="Shed amount" unit="kW" text=${shedText} fault=${fault} step=${step}
      names=${["Less", "More"]} />
    <div class="quick" role="group" aria-label="Shed amount">
      ${[1, 2].map((amount) => quick(rating(amount), value === amount, () => set(amount)))}
      ${max_kw >= LEAST_KW && quick(`Max ${kw(max_kw)}`, value === max_kw, () => set(max_kw))}
    </div>
  </div>`;
}

export function Duration({ site, fault }) {
  const value = readNumber(durationText.value);
  const set = (seconds) => (durationText.value = String(seconds));
  const step = (by) => {
    const minutes = by > 0 ? Math.floor((value || 0) / 60) + 1 : Math.ceil((value || 0) / 60) - 1;
    set(within(Math.min(60, site.longest_event_s), minutes * 60, site.longest_event_s));
  };
  const choices = DURATIONS.filter(([seconds]) => seconds <= site.longest_event_s);
  return html`<div>
    <${Stepper} id="duration" label=${html`Duration <span class="qualifier">in seconds</span>`} unit="s"
      text=${durationText} fault=${fault} step=${step} names=${["Shorter", "Longer"]} />
    <div class="quick" role="group" aria-label="Duration">
      ${choices.map(([seconds, text]) => quick(text, value === seconds, () => set(seconds)))}
    </div>
  </div>`;
}

export function Start({ site, fault }) {
  const choose = (wanted) => {
    later.value = wanted;
    // A quarter of an hour that is at least five minutes away.
    const next = Math.ceil((serverNow() + 300) / 900) * 900;
    if (wanted && !startAt.value) startAt.value = localField(next, site.timezone);
  };
  const keys = (event) => {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = event.target.nextElementSibling ?? event.target.previousElementSibling;
    choose(!later.value);
    other.focus();
  };
  const option = (text, wanted) => html`<button type="button" role="radio"
    aria-checked=${String(later.value === wanted)} tabindex=${later.value === wanted ? 0 : -1}
    onClick=${() => choose(wanted)} onKeyDown=${keys}>${text}</button>`;
  return html`<div class="when">
    <p class="field-label" id="start-label">Start</p>
    <div class="segments" role="radiogroup" aria-labelledby="start-label">
      ${option("Now", false)}${option("Later", true)}
    </div>
    ${
      later.value &&
      html`<label class="start-label" for="start-at">Start time${" "}
      <span class="qualifier">in ${site.timezone}</span></label>
    <input id="start-at" type="datetime-local" value=${startAt.value}
      aria-invalid=${String(Boolean(fault))} aria-describedby=${fault ? "start-fault" : undefined}
      onInput=${(event) => (startAt.value = event.target.value)} />
    ${fault && html`<p class="fault" id="start-fault">${fault}</p>`}`
    }
  </div>`;
}
