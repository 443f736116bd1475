// The fields of the event form: amount, duration and start.
import { LEAST_KW, readEvent } from "../core/event-input.js";
import { serverNow } from "../core/live.js";
import { kw, rating, readNumber, typed } from "../core/numbers.js";
import { localField } from "../core/times.js";
import { html, signal } from "../vendor/ui.js";
import { icon, remembered } from "./components.js";
import { mostPossible } from "./preview.js";

/** @import { Site } from "../core/bodies.js" */
/** @import { VNode } from "preact" */

/** @typedef {{site: Site, fault: string | undefined}} FieldProps */

/** @type {[number, string][]} */
const DURATIONS = [
  [60, "1 min"],
  [300, "5 min"],
  [900, "15 min"],
  [3600, "1 h"],
];

const shedText = signal(remembered.read("shed_kw") ?? typed(2));
const durationText = signal(remembered.read("duration_s") ?? "300");
const later = signal(false);
const startAt = signal("");

/** Keeps amount and duration for the next visit, and goes back to starting now. */
export function rememberForm() {
  remembered.write("shed_kw", shedText.value);
  remembered.write("duration_s", durationText.value);
  later.value = false;
  startAt.value = "";
}

/** @param {Site} site */
export function readForm(site) {
  const start_at = later.value ? startAt.value : null;
  const fields = { shed: shedText.value, duration: durationText.value, start_at };
  return readEvent(fields, site, serverNow());
}

/**
 * @typedef {object} StepperProps
 * @property {string} id
 * @property {string | VNode} label
 * @property {string} unit
 * @property {typeof shedText} text
 * @property {string | undefined} fault
 * @property {(by: number) => void} step
 * @property {[string, string]} names of the two buttons
 */

/** @param {StepperProps} props */
function Stepper({ id, label, unit, text, fault, step, names }) {
  /** @type {Record<string, number>} */
  const keys = { ArrowUp: 1, ArrowDown: -1 };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    step(keys[event.key]);
  };
  /** @param {{target: HTMLInputElement}} event */
  const onInput = ({ target }) => {
    text.value = target.value;
  };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <div class="stepper">
      <button type="button" aria-label=${names[0]} onClick=${() => step(-1)}>${icon("minus")}</button>
      <span class="stepper-value">
        <input id=${id} inputmode="decimal" autocomplete="off" value=${text.value}
          aria-invalid=${String(Boolean(fault))} aria-describedby=${fault ? `${id}-fault` : undefined}
          onInput=${onInput} onKeyDown=${onKeyDown} />
        <span>${unit}</span>
      </span>
      <button type="button" aria-label=${names[1]} onClick=${() => step(1)}>${icon("plus")}</button>
    </div>
    ${fault && html`<p class="fault" id=${`${id}-fault`}>${fault}</p>`}
  </div>`;
}

/** @param {string} text @param {boolean} chosen @param {() => void} choose */
const quick = (text, chosen, choose) =>
  html`<button type="button" aria-pressed=${String(chosen)} onClick=${choose}>${text}</button>`;

/** @param {number} low @param {number} value @param {number} high */
const within = (low, value, high) => Math.min(high, Math.max(low, value));

/** @param {FieldProps} props */
export function Amount({ site, fault }) {
  const value = readNumber(shedText.value);
  const most = mostPossible();
  const max_kw = most === null ? 0 : Math.floor(most * 100 + 1e-6) / 100;
  /** @param {number} amount */
  const set = (amount) => {
    shedText.value = typed(amount);
  };
  /** @param {number} by */
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

/** @param {FieldProps} props */
export function Duration({ site, fault }) {
  const value = readNumber(durationText.value);
  const most_s = site.longest_event_s;
  /** @param {number} seconds */
  const set = (seconds) => {
    durationText.value = String(seconds);
  };
  /** @param {number} by */
  const step = (by) => {
    const minutes = by > 0 ? Math.floor((value || 0) / 60) + 1 : Math.ceil((value || 0) / 60) - 1;
    set(within(Math.min(60, most_s), minutes * 60, most_s));
  };
  const choices = DURATIONS.filter(([seconds]) => seconds <= most_s);
  return html`<div>
    <${Stepper} id="duration" label=${html`Duration <span class="qualifier">in seconds</span>`} unit="s"
      text=${durationText} fault=${fault} step=${step} names=${["Shorter", "Longer"]} />
    <div class="quick" role="group" aria-label="Duration">
      ${choices.map(([seconds, text]) => quick(text, value === seconds, () => set(seconds)))}
    </div>
  </div>`;
}

/** @param {FieldProps} props */
export function Start({ site, fault }) {
  /** @param {boolean} wanted */
  const choose = (wanted) => {
    later.value = wanted;
    // A quarter of an hour that is at least five minutes away.
    const next = Math.ceil((serverNow() + 300) / 900) * 900;
    if (wanted && !startAt.value) startAt.value = localField(next, site.timezone);
  };
  /** @param {KeyboardEvent} event */
  const keys = (event) => {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const option = /** @type {HTMLElement} */ (event.currentTarget);
    const other = option.nextElementSibling ?? option.previousElementSibling;
    choose(!later.value);
    /** @type {HTMLElement | null} */ (other)?.focus();
  };
  /** @param {string} text @param {boolean} wanted */
  const option = (text, wanted) => html`<button type="button" role="radio"
    aria-checked=${String(later.value === wanted)} tabindex=${later.value === wanted ? 0 : -1}
    onClick=${() => choose(wanted)} onKeyDown=${keys}>${text}</button>`;
  /** @param {{target: HTMLInputElement}} event */
  const onInput = ({ target }) => {
    startAt.value = target.value;
  };
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
      onInput=${onInput} />
    ${fault && html`<p class="fault" id="start-fault">${fault}</p>`}`
    }
  </div>`;
}
