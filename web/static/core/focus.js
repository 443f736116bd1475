// Keeps the focus on the page: where an act takes the focused control away, its heading gets it.

const SKIPPED = "dialog, .toasts";

/** The control that has, or last had, the focus, and the card and dialog around it; null: none. */
let last = null;

const gone = (element) => !element.isConnected || element.matches(":disabled");

function remember({ target }) {
  const dialog = target.closest("dialog");
  const card = target.closest(SKIPPED) ? last?.card : target.closest("section.card");
  last = { target, dialog, card };
}

/** Somebody who clicks beside every control wants no focus; a control that goes away is no wish. */
function release({ target }) {
  queueMicrotask(() => {
    if (document.activeElement === document.body && !gone(target)) last = null;
  });
}

function headingFor({ card, dialog }) {
  if (dialog?.isConnected && dialog.open) return dialog.querySelector("h2");
  return (card?.isConnected && card.querySelector("h2")) || document.getElementById("main");
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
