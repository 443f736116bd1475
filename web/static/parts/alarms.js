// What is wrong with the controller or the whole site: shown until it is over or acknowledged.
import { newKey, send } from "../core/api.js";
import { stale } from "../core/live.js";
import { clock } from "../core/times.js";
import { asSentence } from "../core/words.js";
import { html } from "../vendor/ui.js";
import { icon, problem } from "./components.js";
import { useRequest } from "./request.js";

/** @import { Alarm, State } from "../core/bodies.js" */

/**
 * The alarms that nobody has acknowledged. A broken rule of the site has a banner of its own.
 * @param {State} now
 */
export const pressing = (now) =>
  now.alarms.filter((alarm) => !alarm.acknowledged_by && alarm.kind !== "rule");

/** @param {string} id @returns {import("./request.js").Send} */
const acknowledge = (id) => (onSilence) =>
  send(
    "POST",
    `/api/v1/alarms/${encodeURIComponent(id)}/acknowledge`,
    {},
    { key: newKey(), most: 3, onSilence },
  );

/**
 * One alarm; its text may change, and is then read out again.
 * @param {{alarm: Alarm, zone: string}} props
 */
function AlarmLine({ alarm, zone }) {
  const { busy, message, run } = useRequest();
  return html`<div class="banner bad">
    ${icon("triangle-alert")}
    <div>
      <p role="alert"><b>${asSentence(alarm.text)}</b> ${asSentence(alarm.do)}</p>
      <p class="numeric">Since ${clock(alarm.since, zone)}.</p>
      ${problem(message.value)}
    </div>
    <button class="button small" disabled=${stale.value || busy.value} aria-busy=${String(busy.value)}
      onClick=${() => run(acknowledge(alarm.id))}>Acknowledge</button>
  </div>`;
}

/**
 * A banner for each alarm that nobody has acknowledged.
 * @param {{now: State}} props
 */
export const AlarmBanner = ({ now }) =>
  pressing(now).map(
    (alarm) => html`<${AlarmLine} key=${alarm.id} alarm=${alarm} zone=${now.site.timezone} />`,
  );
