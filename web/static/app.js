// The page: header, banners and cards, or what stands in their place.

import { Banner } from "./banners.js";
import { CircuitsCard } from "./cards/circuits.js";
import { DevicesCard } from "./cards/devices.js";
import { EventCard } from "./cards/event.js";
import * as machine from "./cards/machine.js";
import { PowerCard } from "./cards/power.js";
import { ChartCard } from "./cards/power-chart.js";
import { ShadowCard } from "./cards/shadow-card.js";
import * as focus from "./core/focus.js";
import * as live from "./core/live.js";
import * as recent from "./core/recent.js";
import { tokenNeeded } from "./core/session.js";
import { browserZone } from "./core/times.js";
import { Header, showKeys } from "./header.js";
import { useLater } from "./parts/components.js";
import { Dialog, Toast } from "./parts/dialog.js";
import * as switching from "./parts/switching.js";
import { TokenForm } from "./parts/token-form.js";
import { html, render, useEffect } from "./vendor/ui.js";

/** @import { State } from "./core/bodies.js" */

const { state, trouble } = live;

/** In place of the cards until the first answer; for 300 ms nothing, which is mostly enough. */
function FirstLoad() {
  const late = useLater(300);
  return html`<main id="main" tabindex="-1">
    <p class="waiting">${trouble.value === "lost" ? "" : late && "Connecting to the controller…"}</p>
  </main>`;
}

/** @param {{now: State}} props */
function Overview({ now }) {
  const running = now.events.some((event) => !event.scheduled);
  const kind = `overview${live.stale.value ? " stale" : ""}${running ? " running" : ""}`;
  return html`<main id="main" class=${kind} tabindex="-1">
    <${PowerCard} /><${EventCard} />
    <div class="wiring"><${CircuitsCard} /><${DevicesCard} /></div>
    <${ChartCard} /><${machine.MachineCard} /><${ShadowCard} />
  </main>`;
}

/** @param {{now: State}} props */
function Footer({ now }) {
  const { timezone } = now.site;
  return html`<footer class="page-footer">
    venctl ${now.version}${timezone !== browserZone && ` · All times are in ${timezone}`}
  </footer>`;
}

function App() {
  const now = state.value;
  useEffect(() => {
    if (now) document.title = `${now.site.name}: DR event control`;
  }, [now?.site.name]);
  if (tokenNeeded.value) return html`<${Header} now=${null} /><${TokenForm} />`;
  return html`<a class="skip" href="#main">Skip to content</a>
    <${Header} now=${now} />
    <${Banner} now=${now} />
    ${now ? html`<${Overview} now=${now} /><${Footer} now=${now} />` : html`<${FirstLoad} />`}
    <${Toast} /><${Dialog} />`;
}

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, dialog");
  if (event.key === "?" && !typing && state.value) showKeys();
});

for (const part of [focus, switching, recent, machine, live]) part.start();
const root = document.getElementById("app");
if (root) render(html`<${App} />`, root);
