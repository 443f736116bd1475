// Modal dialogs and the toast: one of each at a time, opened from anywhere.
import { html, signal, useEffect, useRef } from "./vendor/ui.js";
import { icon } from "./parts.js";

const SHOWN_MS = 8000;

/** What the open dialog shows: a function of `close` that renders its content, or null. */
const content = signal(null);

/** Opens a dialog; `render(close)` gives its content, whose heading has the id `dialog-title`. */
export const openDialog = (render) => (content.value = render);

/** The one dialog of the page. Escape closes it, and the browser takes the focus back. */
export function Dialog() {
  const ref = useRef();
  const render = content.value;
  useEffect(() => {
    if (render && !ref.current.open) ref.current.showModal();
  }, [render]);
  if (!render) return null;
  // The native close gives the focus back, so it comes before the element goes.
  const close = () => ref.current.close();
  return html`<dialog ref=${ref} class="dlg" aria-labelledby="dialog-title"
    onClose=${() => (content.value = null)}>${render(close)}</dialog>`;
}

/**
 * Asks before something that matters. `keep` and `go` are button words; focus starts on `keep`.
 * `facts` are [icon, sentence] pairs.
 */
export function confirmFirst({ name, title, text, facts = [], keep, go, danger, act }) {
  openDialog((close) => html`
    <span class="dico">${icon(name)}</span>
    <h2 id="dialog-title">${title}</h2>
    <p>${text}</p>
    <ul>${facts.map(([sign, sentence]) => html`<li>${icon(sign)}${sentence}</li>`)}</ul>
    <div class="acts">
      <button class="btn" autofocus onClick=${close}>${keep}</button>
      <button class=${danger ? "btn dng" : "btn pri"} onClick=${() => { close(); act(); }}>${go}</button>
    </div>`);
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
  const undo = () => { closeToast(); shown.undo(); };
  return html`<div class="toasts" role="status" onMouseEnter=${holdToast} onFocusIn=${holdToast}
    onMouseLeave=${countDown} onFocusOut=${countDown}>
    ${shown && html`<div class="toast">
      <span>${shown.text}</span>
      ${shown.undo && html`<button onClick=${undo}>Undo</button>`}
      <button class="shut" aria-label="Dismiss" onClick=${closeToast}>${icon("x")}</button>
    </div>`}
  </div>`;
}
