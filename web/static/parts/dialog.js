// Modal dialogs and the toast: one of each at a time, opened from anywhere.
import { html, signal, useEffect, useRef } from "../vendor/ui.js";
import { icon, useOverflow } from "./components.js";

const SHOWN_MS = 8000;
const LONGEST_REASON = 200;

/** What the open dialog shows: a function of `close` that renders its content, or null. */
const content = signal(null);

/** Opens a dialog; `render(close)` gives its content, whose heading has the id `dialog-title`. */
export const openDialog = (render) => (content.value = render);

/**
 * The one dialog of the page. It opens at its top, on the button that changes nothing or on its
 * heading. Escape closes it, and the browser takes the focus back.
 */
export function Dialog() {
  const ref = useRef();
  const render = content.value;
  useEffect(() => {
    if (!render) return;
    const dialog = ref.current;
    const title = dialog.querySelector("#dialog-title");
    title.tabIndex = -1;
    if (!dialog.open) dialog.showModal();
    (dialog.querySelector("[data-first]") ?? title).focus();
    dialog.scrollTop = 0;
  }, [render]);
  if (!render) return null;
  // The native close gives the focus back, so it comes before the element goes.
  const close = () => ref.current.close();
  return html`<dialog ref=${ref} class="dialog" aria-labelledby="dialog-title"
    onClose=${() => (content.value = null)}>${render(close)}</dialog>`;
}

/** What of a dialog may be long: it scrolls, and head and buttons stay where they are. */
export function Scrolled({ label, children }) {
  const ref = useRef();
  const overflows = useOverflow(ref);
  return html`<div class="scrolled" ref=${ref} tabindex=${overflows ? 0 : undefined}
    role=${overflows ? "group" : undefined} aria-label=${overflows ? label : undefined}>${children}</div>`;
}

const Reason = ({ label, input }) => html`<label class="reason">${label}${" "}
  <span class="qualifier">(optional)</span>
  <input ref=${input} maxlength=${LONGEST_REASON} autocomplete="off" />
</label>`;

/**
 * Asks before something that matters. `keep` and `go` are button words; focus starts on `keep`.
 * `facts` are [icon, sentence] pairs; `wants` is the label of a line of text that `act` gets.
 */
export function confirmFirst({ name, title, text, facts = [], wants, keep, go, danger, act }) {
  const input = { current: null };
  const confirm = (close) => {
    const said = input.current?.value.trim() ?? "";
    close();
    act(said);
  };
  openDialog(
    (close) => html`
    <span class="dialog-icon">${icon(name)}</span>
    <h2 id="dialog-title">${title}</h2>
    <p>${text}</p>
    <${Scrolled} label="What this means">
      <ul>${facts.map(([sign, sentence]) => html`<li>${icon(sign)}<span>${sentence}</span></li>`)}</ul>
    <//>
    ${wants && html`<${Reason} label=${wants} input=${input} />`}
    <div class="actions">
      <button class="button" data-first onClick=${close}>${keep}</button>
      <button class=${danger ? "button danger" : "button primary"} onClick=${() => confirm(close)}>${go}</button>
    </div>`,
  );
}

const toast = signal(null);
let timer;

/** A sentence for 8 s, with a way back if `undo` is given. */
export function tellToast(text, undo = null) {
  toast.value = { text, undo };
  countDown();
}

const closeToast = () => (toast.value = null);
const holdToast = () => clearTimeout(timer);

function countDown() {
  holdToast();
  timer = setTimeout(closeToast, SHOWN_MS);
}

/** The place of the toast; there from the start, so that what appears in it is read out. */
export function Toast() {
  const shown = toast.value;
  const undo = () => {
    closeToast();
    shown.undo();
  };
  return html`<div class="toasts" role="status" onMouseEnter=${holdToast} onFocusIn=${holdToast}
    onMouseLeave=${countDown} onFocusOut=${countDown}>
    ${
      shown &&
      html`<div class="toast">
      <span>${shown.text}</span>
      ${shown.undo && html`<button onClick=${undo}>Undo</button>`}
      <button class="dismiss" aria-label="Dismiss" onClick=${closeToast}>${icon("x")}</button>
    </div>`
    }
  </div>`;
}
