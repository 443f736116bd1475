// Keeps the site, or one circuit, out of an event that runs: the occupant's last word.
import { html } from "./vendor/ui.js";
import { newKey, tell } from "./api.js";
import { useDeed } from "./deed.js";
import { openDialog } from "./dialog.js";
import { state } from "./live.js";
import { complaint, icon } from "./parts.js";
import { kw } from "./words.js";

const optOut = (id, body) => (onSilence) =>
  tell("POST", `/api/v1/events/${encodeURIComponent(id)}/opt-out`, body,
    { key: newKey(), most: 3, onSilence });

function Giver({ event, circuit, run, busy }) {
  const out = event.opted_out.includes(circuit.id);
  const keep = () => run(optOut(event.id, { circuit: circuit.id }));
  return html`<li>
    <span>${circuit.name}</span><span class="muted num">${out ? "kept out" : kw(-circuit.shed_kw)}</span>
    <button class="btn sm" disabled=${busy || out} aria-label=${`Keep ${circuit.name} out`}
      onClick=${keep}>Keep out</button>
  </li>`;
}

function OptOut({ id, close }) {
  const { busy, said, run } = useDeed();
  const now = state.value;
  const event = now.events.find((one) => one.id === id);
  if (!event?.active) {
    return html`<h2 id="dialog-title">This event is over</h2>
      <div class="acts"><button class="btn" autofocus onClick=${close}>Close</button></div>`;
  }
  const own = now.circuits.filter((one) => one.shed_kw > 0 || event.opted_out.includes(one.id));
  const whole = async () => (await run(optOut(id, {}))) && close();
  return html`<span class="dico">${icon("hand")}</span>
    <h2 id="dialog-title">Opt out of this event?</h2>
    <p>A circuit that is kept out comes back and gives nothing more to ${id}; others may give more in
      its place.</p>
    <ul class="outs">${own.map((one) => html`<${Giver} key=${one.id} event=${event} circuit=${one}
      run=${run} busy=${busy.value} />`)}</ul>
    ${complaint(said.value)}
    <div class="acts">
      <button class="btn" autofocus onClick=${close}>Close</button>
      <button class="btn dng" aria-busy=${String(busy.value)} onClick=${whole}>
        Opt out of the whole event
      </button>
    </div>`;
}

/** Opens the choice: one circuit, or the whole event. */
export const openOptOut = (id) =>
  openDialog((close) => html`<${OptOut} id=${id} close=${close} />`);
