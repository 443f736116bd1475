// An event under way: what was asked and delivered, how long it lasts, which circuits are shed.
import { latest, second, serverNow, stale } from "../core/live.js";
import { kw, kwNumber, rating } from "../core/numbers.js";
import { served } from "../core/outlook.js";
import { clock, countdown, soon, until } from "../core/times.js";
import { capital, few, sourceName } from "../core/words.js";
import { html, useRef } from "../vendor/ui.js";
import { icon, note, smallChip } from "./components.js";

/** @import { Circuit, DrEvent } from "../core/bodies.js" */

const RADIUS = 54;
const AROUND = 2 * Math.PI * RADIUS;
const SHORT_AFTER_S = 30;
const SHADES = ["shade-1", "shade-2", "shade-3", "shade-4"];
const MOST_PARTS = 8;

/** @type {Record<string, string>} */
const CALLED = {
  page: "Called on this page",
  operator: "Called by the grid operator",
  cli: "Called from the command line",
};

/** @typedef {{event: DrEvent}} EventProps */

const observes = () => latest().mode === "observe";

/**
 * What a circuit gives; what it would give where the site only observes.
 * @param {Circuit} circuit
 */
const share = (circuit) => (observes() ? circuit.planned_kw : circuit.shed_kw);

const shedding = () => latest().circuits.filter((circuit) => share(circuit) > 0);

function turnedDownText() {
  const names = shedding().map((circuit) => circuit.name);
  if (names.length === 0) return observes() ? "Nothing is switched." : "";
  if (observes()) return `${few(names)} would be turned down; nothing is switched.`;
  return `${few(names)} ${names.length === 1 ? "is" : "are"} turned down.`;
}

/**
 * A state of the event's life may ask for a part of what was called: a ramp, for one.
 * @param {DrEvent} event
 */
function partText({ label, required_kw, requested_kw }) {
  return required_kw < requested_kw ? `${label}: ${rating(required_kw)} of it for now.` : "";
}

/**
 * `Called by the grid operator: 2 kW until 14:35. Heater and Lights are turned down.`
 * @param {EventProps} props
 */
function Summary({ event }) {
  const called = CALLED[event.source] ?? `Called by ${sourceName(event.source)}`;
  const end = until(event.end, latest().site.timezone);
  const asked = `${called}: ${rating(event.requested_kw)} until ${end}.`;
  return html`<p class="sentence">
    ${[asked, partText(event), turnedDownText()].filter(Boolean).join(" ")}
  </p>`;
}

/** @param {EventProps} props */
function Ring({ event }) {
  const left = event.end - second.value;
  const part = Math.max(0, Math.min(1, left / (event.end - event.start)));
  // Without a connection the end may have come and gone: then no number is better than a wrong one.
  const shown = left > 0 || !stale.value;
  return html`<div class="ring" role="timer" aria-label="Time remaining">
    <svg viewBox="0 0 124 124" aria-hidden="true">
      <circle class="whole" cx="62" cy="62" r=${RADIUS} />
      ${
        part > 0 &&
        html`<circle class="left" cx="62" cy="62" r=${RADIUS}
        stroke-dasharray=${`${part * AROUND} ${AROUND}`} />`
      }
    </svg>
    <div class="numeric">
      <b data-testid="remaining">${shown ? countdown(left) : "–"}</b><span>remaining</span>
    </div>
  </div>`;
}

/**
 * How much less than asked is delivered, once that has lasted 30 s; else 0.
 * @param {DrEvent} event
 */
function shortBy(event) {
  const lasting = event.short_since !== null && serverNow() - event.short_since >= SHORT_AFTER_S;
  if (!lasting || event.measured_kw === null) return 0;
  return Math.max(0, event.required_kw - event.measured_kw - event.by_person_kw);
}

/**
 * How the event is served at this moment, as a chip.
 * @param {EventProps} props
 */
function Delivery({ event }) {
  const words = served(event, observes(), shortBy(event));
  return words && smallChip(...words);
}

/** @param {EventProps} props */
function KeptOut({ event }) {
  const out = latest().circuits.filter((circuit) => event.opted_out.includes(circuit.id));
  if (out.length === 0) return null;
  return note("hand", `Kept out of this event: ${few(out.map((circuit) => circuit.name))}.`);
}

/**
 * The id, and a button that copies it; on plain http it is selected instead.
 * @param {{id: string}} props
 */
function EventId({ id }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(id);
    } catch {
      if (ref.current) getSelection()?.selectAllChildren(ref.current);
    }
  };
  return html`<span class="mono" ref=${ref}>${id}</span>
    <button class="copy" aria-label="Copy the event's id" onClick=${copy}>${icon("copy")}</button>`;
}

/** @param {string} name @param {unknown} value */
const fact = (name, value, kind = "") =>
  html`<div class=${kind}><dt>${name}</dt><dd class="numeric">${value}</dd></div>`;

/** @param {number | null} value */
const power = (value) => html`${kwNumber(value)} <small>kW</small>`;

/** @param {EventProps} props */
function Facts({ event }) {
  const { timezone } = latest().site;
  return html`<dl class="facts">
    ${fact("Event", html`<${EventId} id=${event.id} />`, "wide")}
    ${fact("Requested", power(event.requested_kw))}
    ${
      observes()
        ? fact("Would shed", power(event.would_shed_kw))
        : fact("Delivered", power(event.measured_kw))
    }
    ${event.by_person_kw > 0 && fact("Switched off by people", power(event.by_person_kw))}
    ${fact("Called by", capital(sourceName(event.source)), "wide")}
    ${fact("Started", clock(event.start, timezone))}
    ${fact("Ends", clock(event.end, timezone))}
  </dl>`;
}

/** The largest first; of many, the smallest as one. */
function parts() {
  const all = shedding().map((circuit) => ({
    id: circuit.id,
    name: circuit.name,
    kw: share(circuit),
  }));
  all.sort((a, b) => b.kw - a.kw);
  if (all.length <= MOST_PARTS) return all;
  const rest = all.slice(MOST_PARTS - 1);
  const sum_kw = rest.reduce((sum, part) => sum + part.kw, 0);
  return [
    ...all.slice(0, MOST_PARTS - 1),
    { id: "rest", name: `${rest.length} others`, kw: sum_kw },
  ];
}

/** Which circuit is shed by how much, as one bar and its legend. */
function ByCircuit() {
  const shares = parts();
  if (shares.length === 0) return null;
  /** @param {number} i */
  const shade = (i) => SHADES[Math.min(i, SHADES.length - 1)];
  return html`<div class="by-circuit">
    <p class="caption">${observes() ? "Would be shed by circuit" : "Shed by circuit"}</p>
    <div class="split" aria-hidden="true">
      ${shares.map((part, i) => html`<i class=${shade(i)} style=${{ flexGrow: part.kw }}></i>`)}
    </div>
    <ul class="legend numeric">
      ${shares.map(
        (part, i) => html`<li key=${part.id}>
        <i class=${`swatch ${shade(i)}`}></i>${part.name} <b>${kw(part.kw)}</b>
      </li>`,
      )}
    </ul>
  </div>`;
}

/**
 * The event that sheds now.
 * @param {EventProps} props
 */
export function Running({ event }) {
  return html`<${Summary} event=${event} />
    <div class="event-body"><${Ring} event=${event} /><${Facts} event=${event} /></div>
    <${Delivery} event=${event} />
    <${ByCircuit} />
    <${KeptOut} event=${event} />`;
}

/** @param {DrEvent} event @param {string} zone */
const askedFor = (event, zone) => html`<p class="muted small numeric">
  ${event.id}: ${rating(event.requested_kw)}, ${clock(event.start, zone)} to ${clock(event.end, zone)}.
</p>`;

/**
 * A state that neither sheds nor returns load, as ven.yaml may declare: notice, verifying.
 * @param {EventProps} props
 */
export function Between({ event }) {
  const { timezone } = latest().site;
  const wait_s = event.next_at === null ? 0 : event.next_at - second.value;
  const left = `, until ${clock(event.next_at ?? 0, timezone)}: ${countdown(wait_s)} left`;
  return html`<p class="sentence numeric">${event.label}${wait_s > 0 && left}</p>
    ${askedFor(event, timezone)}`;
}

/**
 * While load comes back: `Restoring: 2 of 3 back, House Load in 8 s`.
 * @param {EventProps} props
 */
export function Returning({ event }) {
  const { restoring, site } = latest();
  const { done, of, next_name, next_at } = restoring ?? { done: 0, of: 0 };
  const wait_s = Math.max(0, Math.floor((next_at ?? 0) - second.value));
  return html`<p class="sentence numeric">
      Restoring: ${done} of ${of} back${next_name && `, ${next_name} in ${soon(wait_s)}`}
    </p>
    <div class="return-progress" aria-hidden="true">
      ${Array.from({ length: of }, (_, i) => html`<i class=${i < done ? "done" : ""}></i>`)}
    </div>
    ${askedFor(event, site.timezone)}`;
}
