// The header: the site's name, whether the page is live, the list of keys, the theme.
import { simulatedText } from "./core/device-text.js";
import * as live from "./core/live.js";
import { tokenNeeded } from "./core/session.js";
import { duration } from "./core/times.js";
import { pressing } from "./parts/alarms.js";
import { chip, icon, nextTheme, theme } from "./parts/components.js";
import { openDialog, Scrolled } from "./parts/dialog.js";
import { html } from "./vendor/ui.js";

/** @import { Circuit, Link, State } from "./core/bodies.js" */
/** @import { Theme } from "./parts/components.js" */
/** @import { IconName } from "./vendor/icons.js" */

const { second, trouble } = live;
const FRESH_S = 15;

const KEYS = [
  ["Tab", "Goes to the next control"],
  ["Space", "Turns a switch on or off, presses a button"],
  ["← →", "Moves along the power chart, between Now and Later"],
  ["↑ ↓", "Changes the amount or the duration"],
  ["Enter", "Leaves the amount or the duration, and starts nothing"],
  ["Esc", "Closes a dialog"],
  ["?", "Shows this list"],
];

/** @type {Record<Link["state"], string>} */
const LINK = {
  connecting: "grid link connecting",
  connected: "",
  disconnected: "grid link down",
  unknown: "grid link unknown",
};

/** @type {Record<Theme, [IconName, string]>} */
const THEME = {
  auto: ["sun-moon", "same as the system"],
  light: ["sun", "light"],
  dark: ["moon", "dark"],
};

/** @param {Circuit[]} circuits */
const attention = (circuits) => {
  const need = circuits.length === 1 ? "circuit needs" : "circuits need";
  return html`<a href=${`#circuit-${circuits[0].id}`}>${circuits.length} ${need} attention</a>`;
};

/**
 * The worst state there is, in a few words: [tone, mark, rest].
 * @param {State | null} now
 * @returns {[string, string, unknown]}
 */
function liveMark(now) {
  if (tokenNeeded.value) return ["warn", "Token needed", ""];
  if (trouble.value === "evicted") return ["warn", "Paused", ""];
  if (trouble.value === "connecting" || now === null) return ["warn", "Connecting…", ""];
  if (trouble.value === "lost") return ["bad", "No connection", ""];
  if (pressing(now).length) return ["bad", "Live,", "needs attention"];
  const age = second.value - (now.reading_at ?? second.value);
  if (age > FRESH_S) return ["bad", "Live,", `no reading for ${duration(age)}`];
  const ailing = now.circuits.filter((circuit) => circuit.ails);
  if (ailing.length) return ["bad", "Live,", attention(ailing)];
  const link = now.link.denied.length ? "grid link restricted" : LINK[now.link.state];
  if (link) return [now.link.state === "disconnected" ? "bad" : "warn", "Live here,", link];
  const ago = live.silence_s.value;
  return ["ok", "Live", ago < 2 ? "updated just now" : `updated ${duration(ago)} ago`];
}

/** Opens the list of keys. */
export function showKeys() {
  openDialog(
    (close) => html`<h2 id="dialog-title">Keys</h2>
    <${Scrolled} label="Keys"><dl class="details">
      ${KEYS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}
    </dl><//>
    <div class="actions"><button class="button" onClick=${close}>Close</button></div>`,
  );
}

/** @param {{circuits: Circuit[]}} props */
function Simulated({ circuits }) {
  const text = simulatedText(circuits);
  return (
    text &&
    html`<span class="chip small"><span class="wide">${text}</span
      ><span class="narrow">${text.replace(/simulated/i, (word) => word.slice(0, 3))}</span></span>`
  );
}

/** @param {{now: State | null}} props */
export function Header({ now }) {
  const [tone, mark, rest] = liveMark(now);
  const [themeIcon, themeWord] = THEME[theme.value];
  return html`<header class="page-header">
    <div class="brand">
      <span class="logo">${icon("zap")}</span>
      <div>
        <h1>${now?.site.name ?? "DR event control"}</h1>
        ${now && html`<small>VEN ${now.site.id}</small>`}
      </div>
    </div>
    ${
      now?.mode === "observe" &&
      chip("info small", "eye", html`Observe<span class="wide"> only</span>`)
    }
    ${now && html`<${Simulated} circuits=${now.circuits} />`}
    <span class="live">
      <i class=${`dot ${tone}`}></i>
      <span><b>${mark}</b> ${rest && html`<span class=${tone === "ok" ? "ago" : ""}>${rest}</span>`}</span>
    </span>
    <button class="icon-button keys-button" aria-label="Keys" onClick=${showKeys}>${icon("keyboard")}</button>
    <button class="icon-button" aria-label=${`Theme: ${themeWord}`} onClick=${nextTheme}>
      ${icon(themeIcon)}
    </button>
  </header>`;
}
