// Keeps the site, or one circuit, out of an event that runs: the occupant's last word.
import { newKey, send } from "../core/api.js";
import { latest } from "../core/live.js";
import { kw } from "../core/numbers.js";
import { staysOff } from "../core/outlook.js";
import { html, useRef } from "../vendor/ui.js";
import { icon, problem } from "./components.js";
import { confirmFirst, openDialog, Scrolled } from "./dialog.js";
import { factsOf, REASON, terms } from "./end-events.js";
import { useRequest } from "./request.js";

/** @import { Circuit, DrEvent } from "../core/bodies.js" */
/** @import { Run, Send } from "./request.js" */

/** @param {DrEvent} event @param {object} body @returns {Send} */
const optOut = (event, body) => (onSilence) =>
  send(
    "POST",
    `/api/v1/events/${encodeURIComponent(event.id)}/opt-out`,
    { ...body, ...(event.theirs && { confirm_operator: true }) },
    { key: newKey(), most: 3, onSilence },
  );

/** @param {{event: DrEvent, circuit: Circuit, run: Run, busy: boolean}} props */
function CircuitLine({ event, circuit, run, busy }) {
  const out = event.opted_out.includes(circuit.id);
  const change = () => run(optOut(event, { circuit: circuit.id, out: !out }));
  const [word, label] = out
    ? ["Include again", `Include ${circuit.name} again`]
    : ["Keep out", `Keep ${circuit.name} out`];
  return html`<li>
    <span>${circuit.name}</span><span class="muted numeric">${out ? "kept out" : kw(-circuit.shed_kw)}</span>
    <button class="button small" aria-disabled=${String(busy)} aria-label=${label} onClick=${change}>${word}</button>
  </li>`;
}

/**
 * The second question: there is no way back from it.
 * @param {DrEvent} event @param {Run} run @param {Circuit[]} circuits
 */
function askAboutTheWhole(event, run, circuits) {
  const text = "The event ends at this site, and cannot be called here again.";
  confirmFirst({
    name: "triangle-alert",
    title: "Opt out of the whole event?",
    text: `${text} ${staysOff(circuits, latest())}`,
    facts: factsOf([event], "restore"),
    reason: REASON,
    keep: "Stay in",
    go: "Opt out",
    danger: true,
    act: (reason) => run(optOut(event, reason ? { reason } : {})),
  });
}

/** @param {DrEvent} event */
function explanation(event) {
  const caller = event.theirs ? "Called by the grid operator" : "Called at this site";
  const effect =
    "A circuit that you keep out is not turned down for this event. " +
    "Others may be turned down further instead.";
  const silent = event.theirs ? " The operator is not told about single circuits." : "";
  return `${caller}: ${terms(event)}. ${effect}${silent}`;
}

/** @param {{id: string, close: () => void, whole: Run}} props */
function OptOut({ id, close, whole }) {
  const { busy, message, run } = useRequest();
  const listed = useRef(/** @type {Set<string>} */ (new Set()));
  const now = latest();
  const event = now.events.find((candidate) => candidate.id === id);
  if (!event?.active) {
    return html`<h2 id="dialog-title">This event is over</h2>
      <div class="actions"><button class="button" onClick=${close}>Close</button></div>`;
  }
  // What was listed stays: a row must not go from under a finger because its load is back.
  for (const circuit of now.circuits) {
    const gives = circuit.shed_kw > 0 || circuit.planned_kw > 0;
    if (gives || event.opted_out.includes(circuit.id)) listed.current.add(circuit.id);
  }
  const circuits = now.circuits.filter((circuit) => listed.current.has(circuit.id));
  return html`<span class="dialog-icon">${icon("hand")}</span>
    <h2 id="dialog-title">Opt out of this event?</h2>
    <p>${explanation(event)} ${staysOff(circuits, now)}</p>
    <${Scrolled} label="Circuits">
      <ul class="opt-outs">${circuits.map(
        (circuit) => html`<${CircuitLine} key=${circuit.id} event=${event} circuit=${circuit}
        run=${run} busy=${busy.value} />`,
      )}</ul>
    <//>
    ${problem(message.value)}
    <div class="actions">
      <button class="button" onClick=${close}>Close</button>
      <button class="button danger" onClick=${() => askAboutTheWhole(event, whole, circuits)}>
        Opt out of the whole event
      </button>
    </div>`;
}

/**
 * Opens the choice: one circuit, or the whole event, which `whole` carries out.
 * @param {string} id @param {Run} whole
 */
export const openOptOut = (id, whole) =>
  openDialog((close) => html`<${OptOut} id=${id} close=${close} whole=${whole} />`);
