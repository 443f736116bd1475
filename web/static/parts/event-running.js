// An event under way: what was asked and delivered, how long it lasts, which circuits give.

import { second, serverNow, stale, state } from "../core/live.js";
import { served } from "../core/outlook.js";
import {
  clock,
  countdown,
  few,
  kw,
  kwNumber,
  rating,
  soon,
  starter,
  until,
} from "../core/words.js";
import { html, useRef } from "../vendor/ui.js";
import { icon, note, smallChip } from "./components.js";

const RADIUS = 54;
const AROUND = 2 * Math.PI * RADIUS;
const SHORT_AFTER_S = 30;
const SHADES = ["shade-1", "shade-2", "shade-3", "shade-4"];
const MOST_PARTS = 8;

const ASKER = {
  page: "This page",
  operator: "The grid",
  cli: "The command line",
  schedule: "The schedule",
};

const observes = () => state.value.mode === "observe";

/** What a circuit gives; what it would give where the site only observes. */
const share = (circuit) => (observes() ? circuit.planned_kw : circuit.shed_kw);

const givers = () => state.value.circuits.filter((one) => share(one) > 0);

function turnedDown() {
  const names = givers().map((one) => one.name);
  if (names.length === 0) return observes() ? "Nothing is switched." : "";
  if (observes()) return `${few(names)} would be turned down; nothing is switched.`;
  return `${few(names)} ${names.length === 1 ? "is" : "are"} turned down.`;
}

/** A state of the event's life may ask for a part of what was called: a ramp, for one. */
function partOfIt({ label, required_kw, requested_kw }) {
  return required_kw < requested_kw ? `${label}: ${rating(required_kw)} of it for now.` : "";
}

/** `The grid asked for 2 kW until 14:35. Heater, Lights and House Load are turned down.` */
function PlainLine({ event }) {
  const { site } = state.value;
  const asker = ASKER[event.source] ?? starter(event.source);
  const end = until(event.end, site.timezone);
  const asked = `${asker} asked for ${rating(event.requested_kw)} until ${end}.`;
  return html`<p class="sentence">
    ${[asked, partOfIt(event), turnedDown()].filter(Boolean).join(" ")}
  </p>`;
}

function Ring({ event }) {
  const left = event.end - second.value;
  const share = Math.max(0, Math.min(1, left / (event.end - event.start)));
  // Without a connection the end may have come and gone: then no number is better than a wrong one.
  const shown = left > 0 || !stale.value;
  return html`<div class="ring" role="timer" aria-label="Time remaining">
    <svg viewBox="0 0 124 124" aria-hidden="true">
      <circle class="whole" cx="62" cy="62" r=${RADIUS} />
      ${
        share > 0 &&
        html`<circle class="left" cx="62" cy="62" r=${RADIUS}
        stroke-dasharray=${`${share * AROUND} ${AROUND}`} />`
      }
    </svg>
    <div class="numeric">
      <b data-testid="remaining">${shown ? countdown(left) : "–"}</b><span>remaining</span>
    </div>
  </div>`;
}

/** How much less than asked is delivered, once that has lasted 30 s; else 0. */
export function shortBy(event) {
  const lasting = event.short_since !== null && serverNow() - event.short_since >= SHORT_AFTER_S;
  if (!lasting || event.measured_kw === null) return 0;
  return Math.max(0, event.required_kw - event.measured_kw - event.by_person_kw);
}

/** How it is served at this moment, as a chip. */
function Delivery({ event }) {
  const said = served(event, observes(), shortBy(event));
  return said && smallChip(...said);
}

function KeptOut({ event }) {
  const out = state.value.circuits.filter((one) => event.opted_out.includes(one.id));
  if (out.length === 0) return null;
  return note("hand", `Kept out of this event: ${few(out.map((one) => one.name))}.`);
}

/** The id, and a button that copies it; on plain http it is selected instead. */
function EventId({ id }) {
  const ref = useRef();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(id);
    } catch {
      getSelection().selectAllChildren(ref.current);
    }
  };
  return html`<span class="mono" ref=${ref}>${id}</span>
    <button class="copy" aria-label="Copy the event's id" onClick=${copy}>${icon("copy")}</button>`;
}

const fact = (name, value, kind = "") =>
  html`<div class=${kind}><dt>${name}</dt><dd class="numeric">${value}</dd></div>`;

const power = (value) => html`${kwNumber(value)} <small>kW</small>`;

function Facts({ event }) {
  const { timezone } = state.value.site;
  return html`<dl class="facts">
    ${fact("Event", html`<${EventId} id=${event.id} />`, "wide")}
    ${fact("Requested", power(event.requested_kw))}
    ${
      observes()
        ? fact("Would shed", power(event.would_shed_kw))
        : fact("Delivered", power(event.measured_kw))
    }
    ${event.by_person_kw > 0 && fact("Off by people", power(event.by_person_kw))}
    ${fact("Started by", starter(event.source), "wide")}
    ${fact("Started", clock(event.start, timezone))}
    ${fact("Ends", clock(event.end, timezone))}
  </dl>`;
}

/** The largest first; of many the smallest in one. */
function parts() {
  const all = givers().map((one) => ({ id: one.id, name: one.name, gives: share(one) }));
  all.sort((a, b) => b.gives - a.gives);
  if (all.length <= MOST_PARTS) return all;
  const rest = all.slice(MOST_PARTS - 1);
  const gives = rest.reduce((sum, one) => sum + one.gives, 0);
  return [...all.slice(0, MOST_PARTS - 1), { id: "rest", name: `${rest.length} others`, gives }];
}

/** Who gives how much, as one bar and its legend. */
function ByCircuit() {
  const shares = parts();
  if (shares.length === 0) return null;
  const shade = (i) => SHADES[Math.min(i, SHADES.length - 1)];
  return html`<div class="by-circuit">
    <p class="caption">${observes() ? "Would be shed by circuit" : "Shed by circuit"}</p>
    <div class="split" aria-hidden="true">
      ${shares.map((one, i) => html`<i class=${shade(i)} style=${{ flexGrow: one.gives }}></i>`)}
    </div>
    <ul class="legend numeric">
      ${shares.map(
        (one, i) => html`<li key=${one.id}>
        <i class=${`swatch ${shade(i)}`}></i>${one.name} <b>${kw(one.gives)}</b>
      </li>`,
      )}
    </ul>
  </div>`;
}

/** The event that sheds now. */
export function Running({ event }) {
  return html`<${PlainLine} event=${event} />
    <div class="event-body"><${Ring} event=${event} /><${Facts} event=${event} /></div>
    <${Delivery} event=${event} />
    <${ByCircuit} />
    <${KeptOut} event=${event} />`;
}

/** A state that neither sheds nor returns load, as ven.yaml may declare: notice, verifying. */
export function Between({ event }) {
  const { timezone } = state.value.site;
  const wait = event.next_at === null ? 0 : event.next_at - second.value;
  return html`<p class="sentence numeric">
      ${event.label}${wait > 0 && `, until ${clock(event.next_at, timezone)}: ${countdown(wait)} left`}
    </p>
    ${asked(event, timezone)}`;
}

const asked = (event, zone) => html`<p class="muted small numeric">
  ${event.id} asked for ${rating(event.requested_kw)}, ${clock(
    event.start,
    zone,
  )} to ${clock(event.end, zone)}.
</p>`;

/** What is said while load comes back: `Restoring: 2 of 3 back, House Load in 8 s`. */
export function Returning({ event }) {
  const { restoring, site } = state.value;
  const { done, of, next_name, next_at } = restoring ?? { done: 0, of: 0, next_name: null };
  const wait = next_name && Math.max(0, Math.floor(next_at - second.value));
  return html`<p class="sentence numeric">
      Restoring: ${done} of ${of} back${next_name && `, ${next_name} in ${soon(wait)}`}
    </p>
    <div class="return-progress" aria-hidden="true">
      ${Array.from({ length: of }, (_, i) => html`<i class=${i < done ? "done" : ""}></i>`)}
    </div>
    ${asked(event, site.timezone)}`;
}
