// The Devices card: the main meter and the links to devices, a line each.
import { deviceName, linkFacts, linkWord, usersOf } from "../core/device-text.js";
import { latest, second, stale } from "../core/live.js";
import { kw } from "../core/numbers.js";
import { duration } from "../core/times.js";
import { asSentence } from "../core/words.js";
import { note, smallChip } from "../parts/components.js";
import { html } from "../vendor/ui.js";

/** @import { DeviceLink, MainMeter, State } from "../core/bodies.js" */
/** @import { IconName } from "../vendor/icons.js" */

/** @param {DeviceLink} link @returns {[string, IconName]} */
function toneOf({ up }) {
  if (stale.value || up === null) return ["", "minus"];
  return up ? ["ok", "check"] : ["bad", "triangle-alert"];
}

/** @param {{meter: MainMeter}} props */
function MainMeterRow({ meter }) {
  const { power_kw, read_at, fault } = meter;
  const age = read_at === null ? "not read yet" : `read ${duration(second.value - read_at)} ago`;
  return html`<li data-testid="main-meter">
    <b>Main meter</b>
    <span class="end">${
      power_kw === null
        ? smallChip(stale.value ? "" : "bad", "triangle-alert", "Not known")
        : html`<b class="numeric">${kw(power_kw)}</b>`
    }</span>
    <p class="muted numeric">${deviceName(meter)}, ${age}</p>
    ${fault && note("triangle-alert", asSentence(fault), "bad")}
  </li>`;
}

/**
 * The last fault of a link; one that is over is only told.
 * @param {string} text @param {boolean} lasts
 */
function fault(text, lasts) {
  if (!lasts) return note("info", `Last fault: ${asSentence(text)}`);
  return note("triangle-alert", asSentence(text), stale.value ? "" : "bad");
}

/** @param {{link: DeviceLink, now: State}} props */
function LinkRow({ link, now }) {
  const [tone, name] = toneOf(link);
  return html`<li data-link=${link.id}>
    <span><b>${link.id}</b>${link.what !== link.id && html` <small class="muted">${link.what}</small>`}</span>
    <span class="end">${smallChip(tone, name, linkWord(link))}</span>
    <p class="muted numeric">${usersOf(link, now)}: ${linkFacts(link, now)}</p>
    ${link.fault && fault(link.fault, link.up === false)}
  </li>`;
}

/** Nothing where no circuit has a device. */
export function DevicesCard() {
  const now = latest();
  const { device_links: links, main_meter: meter } = now;
  if (links.length === 0 && meter === null) return null;
  const down = links.filter(({ up }) => up === false).length;
  return html`<section class="card devices" aria-labelledby="h-devices">
    <header>
      <h2 id="h-devices">Links to devices</h2>
      <span class="end muted numeric small">${down ? `${down} of ${links.length} down` : ""}</span>
    </header>
    <ul class="device-links">
      ${meter && html`<${MainMeterRow} meter=${meter} />`}
      ${links.map((link) => html`<${LinkRow} key=${link.id} link=${link} now=${now} />`)}
    </ul>
  </section>`;
}
