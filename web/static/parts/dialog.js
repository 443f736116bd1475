// Modal dialogs and the toast: one of each at a time, opened from anywhere.
import { html, signal, useEffect, useRef } from "../vendor/ui.js";
import { icon, useOverflow } from "./components.js";

/** @import { ComponentChildren, VNode } from "preact" */
/** @import { IconName } from "../vendor/icons.js" */

const SHOWN_MS = 8000;
const LONGEST_REASON = 200;

/** @typedef {() => void} Close */

/** An icon and a sentence. @typedef {[IconName, string]} Fact */

/** @typedef {(close: Close) => VNode} Render */

/** What the open dialog shows. */
const content = signal(/** @type {Render | null} */ (null));

/**
 * Opens a dialog; `render(close)` gives its content, whose heading has the id `dialog-title`.
 * @param {Render} render
 */
export function openDialog(render) {
  content.value = render;
}

/**
 * The one dialog of the page. It opens at its top, on the button that changes nothing or on its
 * heading. Escape closes it, and the browser puts the focus back.
 */
export function Dialog() {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const render = content.value;
  useEffect(() => {
    const dialog = ref.current;
    if (!render || !dialog) return;
    const title = /** @type {HTMLElement} */ (dialog.querySelector("#dialog-title"));
    title.tabIndex = -1;
    if (!dialog.open) dialog.showModal();
    /** @type {HTMLElement | null} */
    const first = dialog.querySelector("[data-first]");
    (first ?? title).focus();
    dialog.scrollTop = 0;
  }, [render]);
  if (!render) return null;
  // The native close puts the focus back, so it comes before the element goes.
  const close = () => ref.current?.close();
  const closed = () => {
    content.value = null;
  };
  return html`<dialog ref=${ref} class="dialog" aria-labelledby="dialog-title"
    onClose=${closed}>${render(close)}</dialog>`;
}

/**
 * The part of a dialog that may be long: it scrolls, and head and buttons stay where they are.
 * @param {{label: string, children: ComponentChildren}} props
 */
export function Scrolled({ label, children }) {
  const ref = useRef(null);
  const overflows = useOverflow(ref);
  return html`<div class="scrolled" ref=${ref} tabindex=${overflows ? 0 : undefined}
    role=${overflows ? "group" : undefined} aria-label=${overflows ? label : undefined}>${children}</div>`;
}

/** @param {{label: string, input: {current: HTMLInputElement | null}}} props */
const Reason = ({ label, input }) => html`<label class="reason">${label}${" "}
  <span class="qualifier">(optional)</span>
  <input ref=${input} maxlength=${LONGEST_REASON} autocomplete="off" />
</label>`;

/**
 * A question before something that matters.
 * @typedef {object} Question
 * @property {IconName} name
 * @property {string} title
 * @property {string} text
 * @property {Fact[]} [facts]
 * @property {string} [reason] the label of a line of text that `act` gets
 * @property {string} keep the button that changes nothing; it has the focus
 * @property {string} go the button that acts
 * @property {boolean} [danger]
 * @property {(reason: string) => unknown} act
 */

/** @param {Question} question */
export function confirmFirst({ name, title, text, facts = [], reason, keep, go, danger, act }) {
  /** @type {{current: HTMLInputElement | null}} */
  const input = { current: null };
  /** @param {Close} close */
  const confirm = (close) => {
    const given = input.current?.value.trim() ?? "";
    close();
    act(given);
  };
  openDialog(
    (close) => html`
    <span class="dialog-icon">${icon(name)}</span>
    <h2 id="dialog-title">${title}</h2>
    <p>${text}</p>
    <${Scrolled} label="What this means">
      <ul>${facts.map(([sign, sentence]) => html`<li>${icon(sign)}<span>${sentence}</span></li>`)}</ul>
    <//>
    ${reason && html`<${Reason} label=${reason} input=${input} />`}
    <div class="actions">
      <button class="button" data-first onClick=${close}>${keep}</button>
      <button class=${danger ? "button danger" : "button primary"} onClick=${() => confirm(close)}>${go}</button>
    </div>`,
  );
}

const toast = signal(/** @type {{text: string, undo: (() => void) | null} | null} */ (null));
/** @type {number | undefined} */
let timer;

/**
 * A sentence for 8 s, with a way back if `undo` is given.
 * @param {string} text @param {(() => void) | null} undo
 */
export function showToast(text, undo = null) {
  toast.value = { text, undo };
  countDown();
}

function closeToast() {
  toast.value = null;
}

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
    shown?.undo?.();
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
