// The page: its header, what is said when the controller is out of reach, and the cards.

import { CircuitsCard } from "./cards/circuits.js";
import { EventCard } from "./cards/event.js";
import * as machine from "./cards/machine.js";
import { PowerCard } from "./cards/power.js";
import { ChartCard } from "./cards/power-chart.js";
import { TwinCard } from "./cards/shadow-card.js";
import * as focus from "./core/focus.js";
import * as live from "./core/live.js";
import * as series from "./core/series.js";
import { locked, TokenForm } from "./core/session.js";
import { asSentence, browserZone, clock, duration } from "./core/words.js";
import { AlarmBanner, pressing } from "./parts/alarms.js";
import { chip, icon, nextTheme, theme, useLater } from "./parts/components.js";
import { Dialog, openDialog, Scrolled, Toast } from "./parts/dialog.js";
import * as switching from "./parts/switching.js";
import { html, render, useEffect } from "./vendor/ui.js";

const { second, state, trouble } = live;
const FRESH_S = 15;

const KEYS = [
  ["Tab", "To the next control"],
  ["Space", "Turns a switch over, presses a button"],
  ["← →", "Along the power chart, between Now and Later"],
  ["↑ ↓", "More or less, in the amount and the duration"],
  ["Enter", "Leaves the amount or the duration; starts nothing"],
  ["Esc", "Closes a dialog"],
  ["?", "This list"],
];

const LINK = {
  connecting: "grid link connecting",
  disconnected: "grid link down",
  unknown: "grid link unknown",
};

const attention = ([first, ...others]) =>
  html`<a href=${`#circuit-${first.id}`}>${
    others.length ? `${others.length + 1} circuits need` : "1 circuit needs"
  } attention</a>`;

/** The worst state there is, in a few words: [tone, mark, rest]. */
function liveMark(now) {
  if (locked.value) return ["warn", "Token needed", ""];
  if (trouble.value === "evicted") return ["warn", "Paused", ""];
  if (trouble.value === "opening" || now === null) return ["warn", "Connecting…", ""];
  if (trouble.value === "lost") return ["bad", "No connection", ""];
  if (pressing(now).length) return ["bad", "Live,", "needs attention"];
  const age = second.value - (now.reading_at ?? second.value);
  if (age > FRESH_S) return ["bad", "Live,", `no reading for ${duration(age)}`];
  const ailing = now.circuits.filter((one) => one.ails);
  if (ailing.length) return ["bad", "Live,", attention(ailing)];
  const link = now.link.denied.length ? "grid link restricted" : LINK[now.link.state];
  if (link) return [now.link.state === "disconnected" ? "bad" : "warn", "Live here,", link];
  const ago = live.silence_s.value;
  return ["ok", "Live", ago < 2 ? "updated just now" : `updated ${duration(ago)} ago`];
}

function showKeys() {
  openDialog(
    (close) => html`<h2 id="dialog-title">Keys</h2>
    <${Scrolled} label="Keys"><dl class="details">
      ${KEYS.map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}
    </dl><//>
    <div class="actions"><button class="button" onClick=${close}>Close</button></div>`,
  );
}

const THEME_ICON = { auto: "sun-moon", light: "sun", dark: "moon" };
const THEME_WORD = { auto: "as the system", light: "light", dark: "dark" };

function Header({ now }) {
  const [tone, mark, rest] = liveMark(now);
  return html`<header class="page-header">
    <div class="brand">
      <span class="logo">${icon("zap")}</span>
      <div>
        <h1>${now?.site.name ?? "DR event control"}</h1>
        ${now && html`<small>VEN ${now.site.id}</small>`}
      </div>
    </div>
    ${now?.mode === "observe" && chip("info small", "eye", html`Observe<span class="wide"> only</span>`)}
    ${
      now?.site.simulated &&
      html`<span class="chip small"><span class="wide">Simulated</span
      ><span class="narrow">Sim</span></span>`
    }
    <span class="live">
      <i class=${`dot ${tone}`}></i>
      <span><b>${mark}</b> ${rest && html`<span class=${tone === "ok" ? "ago" : ""}>${rest}</span>`}</span>
    </span>
    <button class="icon-button keys-button" aria-label="Keys" onClick=${showKeys}>${icon("keyboard")}</button>
    <button class="icon-button" aria-label=${`Theme: ${THEME_WORD[theme.value]}`} onClick=${nextTheme}>
      ${icon(THEME_ICON[theme.value])}
    </button>
  </header>`;
}

function LostBanner({ now }) {
  const seen =
    now &&
    `Showing values from ${clock(now.t, now.site.timezone)}, ${duration(
      live.silence_s.value,
    )} ago. `;
  const wait = live.nextTry_s.value;
  // What counts seconds stands outside the alert, or it would be read out every second.
  return html`<div class="banner bad">
    ${icon("wifi-off")}
    <div>
      <p role="alert"><b>No connection to the controller.</b> An event in progress keeps running on
        the controller.</p>
      <p class="numeric">${seen}${wait > 0 ? `Trying again in ${wait} s.` : "Trying again now."}</p>
    </div>
    <button class="button small" onClick=${live.connect}>Try now</button>
  </div>`;
}

const PausedBanner = () => html`<div class="banner">
  ${icon("info")}
  <div><p role="alert"><b>Paused here, open in another tab.</b></p></div>
  <button class="button small" onClick=${live.connect}>Resume</button>
</div>`;

const ObserveBanner = () => html`<div class="banner info">
  ${icon("eye")}
  <p><b>This site only observes.</b> It plans, answers and reports what it would shed, and switches
    nothing.</p>
</div>`;

/** A rule that ven.yaml declares is broken. What is found drifts, so it stands outside the alert. */
const BreachBanner = ({ now }) =>
  now.breaches.map(
    ({ rule, found }) => html`<div class="banner bad" key=${rule}>
  ${icon("triangle-alert")}
  <div>
    <p role="alert"><b>A rule of this site is broken.</b> ${asSentence(rule)}</p>
    <p class="numeric">Found: ${found}.</p>
  </div>
</div>`,
  );

const Troubles = ({ now }) => [
  html`<${AlarmBanner} now=${now} />`,
  html`<${BreachBanner} now=${now} />`,
];

function calmly(now) {
  if (now && pressing(now).length + now.breaches.length > 0) return Troubles;
  return now?.mode === "observe" ? ObserveBanner : null;
}

function Banner({ now }) {
  const said = { lost: LostBanner, evicted: PausedBanner }[trouble.value] ?? calmly(now);
  return (
    said && html`<section class="banners" aria-label="Notice"><${said} now=${now} /></section>`
  );
}

/** In place of the cards until the first answer; for 300 ms nothing, which is mostly enough. */
function FirstLoad() {
  const late = useLater(300);
  return html`<main id="main" tabindex="-1">
    <p class="waiting">${trouble.value === "lost" ? "" : late && "Connecting to the controller…"}</p>
  </main>`;
}

function Overview({ now }) {
  const running = now.events.some((one) => !one.scheduled);
  const kind = `overview${live.stale.value ? " stale" : ""}${running ? " running" : ""}`;
  return html`<main id="main" class=${kind} tabindex="-1">
    <${PowerCard} /><${EventCard} /><${CircuitsCard} /><${ChartCard} /><${machine.MachineCard} />
    <${TwinCard} />
  </main>`;
}

function Footer({ now }) {
  const { timezone } = now.site;
  return html`<footer class="page-footer">
    venctl ${now.version}${timezone !== browserZone && ` · All times are those of ${timezone}`}
  </footer>`;
}

function App() {
  const now = state.value;
  useEffect(() => {
    if (now) document.title = `${now.site.name}: DR event control`;
  }, [now?.site.name]);
  if (locked.value) return html`<${Header} now=${null} /><${TokenForm} />`;
  return html`<a class="skip" href="#main">Skip to content</a>
    <${Header} now=${now} />
    <${Banner} now=${now} />
    ${now ? html`<${Overview} now=${now} /><${Footer} now=${now} />` : html`<${FirstLoad} />`}
    <${Toast} /><${Dialog} />`;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, dialog");
  if (event.key === "?" && !typing && state.value) showKeys();
});

for (const part of [focus, switching, series, machine, live]) part.start();
render(html`<${App} />`, document.getElementById("app"));
