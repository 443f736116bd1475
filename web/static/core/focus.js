// Keeps the focus on the page: where an act takes the focused control away, its heading gets it.

const SKIPPED = "dialog, .toasts";

/**
 * The control that has, or last had, the focus, and the card and dialog around it.
 * @typedef {{target: Element, dialog: HTMLDialogElement | null, card: Element | null}} Focused
 */

/** @type {Focused | null} */
let last = null;

/** @param {Element} element */
const gone = (element) => !element.isConnected || element.matches(":disabled");

/** @param {FocusEvent} event */
function remember({ target }) {
  if (!(target instanceof Element)) return;
  const dialog = target.closest("dialog");
  const card = target.closest(SKIPPED) ? (last?.card ?? null) : target.closest("section.card");
  last = { target, dialog, card };
}

/**
 * A click beside every control means no focus is wanted; a control that goes away means nothing.
 * @param {FocusEvent} event
 */
function release({ target }) {
  queueMicrotask(() => {
    const away = !(target instanceof Element) || gone(target);
    if (document.activeElement === document.body && !away) last = null;
  });
}

/** @param {Focused} focused @returns {HTMLElement | null} */
function headingFor({ card, dialog }) {
  if (dialog?.isConnected && dialog.open) return dialog.querySelector("h2");
  const heading = card?.isConnected ? card.querySelector("h2") : null;
  return heading ?? document.getElementById("main");
}

function look() {
  const focused = document.activeElement;
  const lost = !focused || focused === document.body || focused.matches(":disabled");
  if (!lost || !last || !gone(last.target)) return;
  const heading = headingFor(last);
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** Called once, when the page starts. */
export function start() {
  document.addEventListener("focusin", remember);
  document.addEventListener("focusout", release);
  new MutationObserver(look).observe(document.body, {
    childList: true,
    subtree: true,
    attributeFilter: ["disabled"],
  });
}
