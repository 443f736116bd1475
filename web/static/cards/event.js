// The DR event control card: no event, one under way, load coming back; and the others that live.

import { newKey, tell } from "../core/api.js";
import { second, stale, state } from "../core/live.js";
import { milestone, restoring } from "../core/outlook.js";
import { clock, moment, rating, starter, until } from "../core/words.js";
import { chip, complaint, icon } from "../parts/components.js";
import { endEvents } from "../parts/end-events.js";
import { EventForm } from "../parts/event-form.js";
import { Between, Returning, Running } from "../parts/event-running.js";
import { openOptOut } from "../parts/opt-out.js";
import { useDeed } from "../parts/request.js";
import { html, useEffect, useRef, useSignal } from "../vendor/ui.js";

/** The event the card is about: the one that binds, else one whose load is coming back. */
function mainEvent(now) {
  const binding = now.events.find((one) => one.id === now.binding);
  return binding ?? now.events.find((one) => !one.scheduled && !one.active) ?? null;
}

function StateChip({ event, now }) {
  const text = event ? event.label : "No active event";
  if (stale.value) {
    const last = event ? event.label : "no event";
    return chip("", "clock", `Last known ${clock(now.t, now.site.timezone)}: ${last}`);
  }
  if (event?.active && now.mode === "observe") return chip("info", "eye", `${text}, observed only`);
  if (event?.active) return chip("shed", "activity", text);
  if (event) return chip("warn", now.restoring ? "rotate-ccw" : "hourglass", text);
  const waiting = now.events.length;
  return waiting
    ? chip("info", "calendar-clock", `${waiting} scheduled`)
    : chip("", "circle-check", text);
}

/** Said aloud at the start, 5 min, 1 min and the end. */
function Milestones({ event }) {
  const over = event ? (state.value.restoring ? "Load is coming back." : `${event.label}.`) : "";
  const text = event?.active
    ? milestone(event.end - second.value, second.value - event.start)
    : over;
  return html`<p class="visually-hidden" aria-live="polite">${stale.value ? "" : text}</p>`;
}

/** The request that ends events, for `useDeed` to carry out. */
const request = (method, path) => (body) => {
  const key = newKey();
  return (onSilence) => tell(method, path, body, { key, most: 3, onSilence });
};

function RestoreButton({ now, run, busy }) {
  if (now.restore === null) return null;
  const ends = now.events.filter((one) => now.restore.ends.includes(one.id));
  const restore = () =>
    endEvents({ run, events: ends, word: "restore", send: request("POST", "/api/v1/restore") });
  return html`<button class="button primary" disabled=${stale.value} aria-busy=${String(busy)}
    onClick=${restore}>${icon("rotate-ccw")}Restore normal</button>`;
}

function OtherEvent({ event, now, run }) {
  const path = `/api/v1/events/${encodeURIComponent(event.id)}`;
  const at = (t) => moment(t, now.t, now.site.timezone);
  const one = { run, events: [event] };
  const cancel = () => endEvents({ ...one, word: "cancel", send: request("DELETE", path) });
  const end = () =>
    endEvents({ ...one, word: "restore", send: request("POST", `${path}/restore`) });
  const [word, act] = event.scheduled ? ["Cancel", cancel] : ["End", end];
  return html`<li data-event=${event.id}>
    <div>
      <p><b>${rating(event.requested_kw)}</b> from ${at(event.start)} to ${
        event.active ? until(event.end, now.site.timezone) : at(event.end)
      }</p>
      <p class="muted small">${event.label}, ${starter(event.source)}, ${event.id}</p>
    </div>
    ${
      (event.scheduled || event.active) &&
      html`<button class="button small" disabled=${stale.value}
      aria-label=${`${word} ${event.id}`} onClick=${act}>${word}</button>`
    }
  </li>`;
}

function OtherEvents({ events, now, run, alone }) {
  if (events.length === 0) return null;
  return html`<div class="others">
    <h3>${alone ? "Scheduled" : "Also live"}</h3>
    <ul>${events.map((one) => html`<${OtherEvent} key=${one.id} event=${one} now=${now} run=${run} />`)}</ul>
  </div>`;
}

function OptOutButton({ event, now, run }) {
  if (!event.active || now.mode === "observe") return null;
  return html`<button class="button" disabled=${stale.value} aria-haspopup="dialog"
    onClick=${() => openOptOut(event.id, run)}>${icon("hand")}Opt out</button>`;
}

function Actions({ event, now, deed, open, form }) {
  const { run, busy } = deed;
  const toggle = () => (open.value = !open.value);
  return html`<div class="actions">
    <${RestoreButton} now=${now} run=${run} busy=${busy.value} />
    <button class="button" disabled=${stale.value} aria-expanded=${String(open.value)}
      aria-controls=${open.value ? form : undefined} onClick=${toggle}>
      ${icon(open.value ? "x" : "plus")}${open.value ? "Close the form" : "New event"}
    </button>
    <${OptOutButton} event=${event} now=${now} run=${run} />
    ${now.restore !== null && html`<span class="hint numeric">${restoring(now)}</span>`}
  </div>`;
}

export function EventCard() {
  const now = state.value;
  const event = mainEvent(now);
  const open = useSignal(false);
  const heading = useRef();
  const deed = useDeed();
  const others = now.events.filter((one) => one !== event);
  const lastMain = useRef(event?.id);
  useEffect(() => {
    // A new main event replaces the form: it must not open again by itself once that is over.
    if (lastMain.current !== event?.id) open.value = false;
    lastMain.current = event?.id;
  }, [event?.id]);
  const done = () => {
    open.value = false;
    heading.current.focus();
  };
  const form = html`<${EventForm} done=${done} />`;
  return html`<section class=${event ? "card event under-way" : "card event"} aria-labelledby="h-event">
    <header>
      <h2 id="h-event" ref=${heading} tabindex="-1">DR event control</h2>
      <span class="end"><${StateChip} event=${event} now=${now} /></span>
    </header>
    <${Milestones} event=${event} />
    ${event?.active && html`<${Running} event=${event} />`}
    ${event && !event.active && html`<${now.restoring ? Returning : Between} event=${event} />`}
    ${event && html`<${Actions} event=${event} now=${now} deed=${deed} open=${open} form="new-event" />`}
    ${complaint(deed.said.value)}
    <${OtherEvents} events=${others} now=${now} run=${deed.run} alone=${!event} />
    ${event ? open.value && html`<div id="new-event" class="new-event">${form}</div>` : form}
  </section>`;
}
