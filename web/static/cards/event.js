// The DR event control card: no event, one under way, load coming back; and the other live events.
import { newKey, send } from "../core/api.js";
import { latest, second, stale } from "../core/live.js";
import { rating } from "../core/numbers.js";
import { milestone, restoring } from "../core/outlook.js";
import { clock, moment, until } from "../core/times.js";
import { sourceName } from "../core/words.js";
import { chip, icon, problem } from "../parts/components.js";
import { endEvents } from "../parts/end-events.js";
import { EventForm } from "../parts/event-form.js";
import { Between, Returning, Running } from "../parts/event-running.js";
import { openOptOut } from "../parts/opt-out.js";
import { useRequest } from "../parts/request.js";
import { html, useEffect, useRef, useSignal } from "../vendor/ui.js";

/** @import { DrEvent, State } from "../core/bodies.js" */
/** @import { Ending } from "../parts/end-events.js" */
/** @import { Run, Send } from "../parts/request.js" */

const FORM = "new-event";

/**
 * The event the card is about: the one that binds, else one whose load is coming back.
 * @param {State} now
 */
function mainEvent(now) {
  const binding = now.events.find((event) => event.id === now.binding);
  return binding ?? now.events.find((event) => !event.scheduled && !event.active) ?? null;
}

/** @param {{event: DrEvent | null, now: State}} props */
function StateChip({ event, now }) {
  const text = event ? event.label : "No active event";
  if (stale.value) {
    const last = event ? event.label : "no event";
    return chip("", "clock", `Last known at ${clock(now.t, now.site.timezone)}: ${last}`);
  }
  if (event?.active && now.mode === "observe") return chip("info", "eye", `${text}, observed only`);
  if (event?.active) return chip("shed", "activity", text);
  if (event) return chip("warn", now.restoring ? "rotate-ccw" : "hourglass", text);
  const waiting = now.events.length;
  return waiting
    ? chip("info", "calendar-clock", `${waiting} scheduled`)
    : chip("", "circle-check", text);
}

/** @param {DrEvent} event */
const afterText = (event) => (latest().restoring ? "Load is coming back." : `${event.label}.`);

/**
 * Read out at the start, with 5 min and 1 min left, and at the end.
 * @param {{event: DrEvent | null}} props
 */
function Milestones({ event }) {
  const running = event?.active
    ? milestone(event.end - second.value, second.value - event.start)
    : null;
  const text = running ?? (event ? afterText(event) : "");
  return html`<p class="visually-hidden" aria-live="polite">${stale.value ? "" : text}</p>`;
}

/**
 * The request that ends events, given its body.
 * @param {string} method @param {string} path
 * @returns {(body: object) => Send}
 */
const request = (method, path) => (body) => {
  const key = newKey();
  return (onSilence) => send(method, path, body, { key, most: 3, onSilence });
};

/** @param {{now: State, run: Run, busy: boolean}} props */
function RestoreButton({ now, run, busy }) {
  const { restore } = now;
  if (restore === null) return null;
  const events = now.events.filter((event) => restore.ends.includes(event.id));
  const end = () =>
    endEvents({ run, events, ending: "restore", request: request("POST", "/api/v1/restore") });
  return html`<button class="button primary" disabled=${stale.value} aria-busy=${String(busy)}
    onClick=${end}>${icon("rotate-ccw")}Restore normal</button>`;
}

/** @param {{event: DrEvent, now: State, run: Run}} props */
function OtherEvent({ event, now, run }) {
  const path = `/api/v1/events/${encodeURIComponent(event.id)}`;
  const zone = now.site.timezone;
  const end = event.active ? until(event.end, zone) : moment(event.end, now.t, zone);
  /** @type {[string, Ending, (body: object) => Send]} */
  const [word, ending, ask] = event.scheduled
    ? ["Cancel", "cancel", request("DELETE", path)]
    : ["End", "restore", request("POST", `${path}/restore`)];
  const act = () => endEvents({ run, events: [event], ending, request: ask });
  return html`<li data-event=${event.id}>
    <div>
      <p><b>${rating(event.requested_kw)}</b> from ${moment(event.start, now.t, zone)} to ${end}</p>
      <p class="muted small">${event.label} · called by ${sourceName(event.source)} · ${event.id}</p>
    </div>
    ${
      (event.scheduled || event.active) &&
      html`<button class="button small" disabled=${stale.value}
      aria-label=${`${word} ${event.id}`} onClick=${act}>${word}</button>`
    }
  </li>`;
}

/** @param {{events: DrEvent[], now: State, run: Run, alone: boolean}} props */
function OtherEvents({ events, now, run, alone }) {
  if (events.length === 0) return null;
  return html`<div class="others">
    <h3>${alone ? "Scheduled" : "Other events"}</h3>
    <ul>${events.map(
      (event) => html`<${OtherEvent} key=${event.id} event=${event} now=${now} run=${run} />`,
    )}</ul>
  </div>`;
}

/** @param {{event: DrEvent, now: State, run: Run}} props */
function OptOutButton({ event, now, run }) {
  if (!event.active || now.mode === "observe") return null;
  return html`<button class="button" disabled=${stale.value} aria-haspopup="dialog"
    onClick=${() => openOptOut(event.id, run)}>${icon("hand")}Opt out</button>`;
}

/**
 * @param {{event: DrEvent, now: State, run: Run, busy: boolean, open: boolean,
 *   toggle: () => void}} props
 */
function Actions({ event, now, run, busy, open, toggle }) {
  return html`<div class="actions">
    <${RestoreButton} now=${now} run=${run} busy=${busy} />
    <button class="button" disabled=${stale.value} aria-expanded=${String(open)}
      aria-controls=${open ? FORM : undefined} onClick=${toggle}>
      ${icon(open ? "x" : "plus")}${open ? "Close the form" : "New event"}
    </button>
    <${OptOutButton} event=${event} now=${now} run=${run} />
    ${now.restore !== null && html`<span class="hint numeric">${restoring(now)}</span>`}
  </div>`;
}

/** @param {{event: DrEvent | null, now: State}} props */
function MainEvent({ event, now }) {
  if (!event) return null;
  if (event.active) return html`<${Running} event=${event} />`;
  return html`<${now.restoring ? Returning : Between} event=${event} />`;
}

export function EventCard() {
  const now = latest();
  const event = mainEvent(now);
  const open = useSignal(false);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const { run, busy, message } = useRequest();
  const others = now.events.filter((candidate) => candidate !== event);
  const lastMain = useRef(event?.id);
  useEffect(() => {
    // A new main event replaces the form: it must not open again by itself once that is over.
    if (lastMain.current !== event?.id) open.value = false;
    lastMain.current = event?.id;
  }, [event?.id]);
  const toggle = () => {
    open.value = !open.value;
  };
  const done = () => {
    open.value = false;
    heading.current?.focus();
  };
  const form = html`<${EventForm} done=${done} />`;
  return html`<section class=${event ? "card event under-way" : "card event"} aria-labelledby="h-event">
    <header>
      <h2 id="h-event" ref=${heading} tabindex="-1">DR event control</h2>
      <span class="end"><${StateChip} event=${event} now=${now} /></span>
    </header>
    <${Milestones} event=${event} />
    <${MainEvent} event=${event} now=${now} />
    ${
      event &&
      html`<${Actions} event=${event} now=${now} run=${run} busy=${busy.value} open=${open.value}
      toggle=${toggle} />`
    }
    ${problem(message.value)}
    <${OtherEvents} events=${others} now=${now} run=${run} alone=${!event} />
    ${event ? open.value && html`<div id=${FORM} class="new-event">${form}</div>` : form}
  </section>`;
}
