// Keeps the site, or one circuit, out of an event that runs: the occupant's last word.

import { newKey, tell } from "../core/api.js";
import { state } from "../core/live.js";
import { staysOff } from "../core/outlook.js";
import { kw } from "../core/words.js";
import { html, useRef } from "../vendor/ui.js";
import { complaint, icon } from "./components.js";
import { confirmFirst, openDialog, Scrolled } from "./dialog.js";
import { factsOf, terms } from "./end-events.js";
import { useDeed } from "./request.js";

const optOut = (event, body) => (onSilence) =>
  tell(
    "POST",
    `/api/v1/events/${encodeURIComponent(event.id)}/opt-out`,
    { ...body, ...(event.theirs && { confirm_operator: true }) },
    { key: newKey(), most: 3, onSilence },
  );

function Giver({ event, circuit, run, busy }) {
  const out = event.opted_out.includes(circuit.id);
  const turn = () => run(optOut(event, { circuit: circuit.id, out: !out }));
  const [word, label] = out
    ? ["Let it give again", `Let ${circuit.name} give again`]
    : ["Keep out", `Keep ${circuit.name} out`];
  return html`<li>
    <span>${circuit.name}</span><span class="muted numeric">${out ? "kept out" : kw(-circuit.shed_kw)}</span>
    <button class="button small" aria-disabled=${String(busy)} aria-label=${label} onClick=${turn}>${word}</button>
  </li>`;
}

/** The second question: there is no way back from it. */
function askAboutTheWhole(event, run, own) {
  confirmFirst({
    name: "triangle-alert",
    title: "Opt out of the whole event?",
    text: `It ends here, and cannot be called here again. ${staysOff(own, state.value)}`,
    facts: factsOf([event], "restore"),
    wants: "Reason, for the record",
    keep: "Stay in",
    go: "Opt out",
    danger: true,
    act: (reason) => run(optOut(event, reason ? { reason } : {})),
  });
}

function OptOut({ id, close, whole }) {
  const { busy, said, run } = useDeed();
  const listed = useRef(new Set());
  const now = state.value;
  const event = now.events.find((one) => one.id === id);
  if (!event?.active) {
    return html`<h2 id="dialog-title">This event is over</h2>
      <div class="actions"><button class="button" onClick=${close}>Close</button></div>`;
  }
  // What was listed stays: a row must not go from under a finger because its load is back.
  for (const one of now.circuits) {
    const gives = one.shed_kw > 0 || one.planned_kw > 0;
    if (gives || event.opted_out.includes(one.id)) listed.current.add(one.id);
  }
  const own = now.circuits.filter((one) => listed.current.has(one.id));
  return html`<span class="dialog-icon">${icon("hand")}</span>
    <h2 id="dialog-title">Opt out of this event?</h2>
    <p>${event.theirs ? "The grid operator" : "Somebody here"} called it: ${terms(event)}. A circuit
      that is kept out gives nothing to it until you let it; others may give more in its place.
      ${" "}${staysOff(own, now)}${event.theirs && " The operator is not told of a single circuit."}</p>
    <${Scrolled} label="Circuits">
      <ul class="opt-outs">${own.map(
        (one) => html`<${Giver} key=${one.id} event=${event} circuit=${one}
        run=${run} busy=${busy.value} />`,
      )}</ul>
    <//>
    ${complaint(said.value)}
    <div class="actions">
      <button class="button" onClick=${close}>Close</button>
      <button class="button danger" onClick=${() => askAboutTheWhole(event, whole, own)}>
        Opt out of the whole event
      </button>
    </div>`;
}

/** Opens the choice: one circuit, or the whole event, which `whole` carries out. */
export const openOptOut = (id, whole) =>
  openDialog((close) => html`<${OptOut} id=${id} close=${close} whole=${whole} />`);
