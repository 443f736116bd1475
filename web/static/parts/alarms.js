// What is wrong with the controller or the site as a whole: said until it is over or somebody has seen it.

import { newKey, tell } from "../core/api.js";
import { stale } from "../core/live.js";
import { asSentence, clock } from "../core/words.js";
import { html } from "../vendor/ui.js";
import { complaint, icon } from "./components.js";
import { useDeed } from "./request.js";

/** Those that nobody has acknowledged. A broken rule of the site has a banner of its own. */
export const pressing = (now) =>
  now.alarms.filter((one) => !one.acknowledged_by && one.kind !== "rule");

const acknowledge = (id) => (onSilence) =>
  tell(
    "POST",
    `/api/v1/alarms/${encodeURIComponent(id)}/acknowledge`,
    {},
    { key: newKey(), most: 3, onSilence },
  );

/** One alarm; what it says may change, and is then said anew. */
function Alarm({ alarm, zone }) {
  const { busy, said, run } = useDeed();
  return html`<div class="banner bad">
    ${icon("triangle-alert")}
    <div>
      <p role="alert"><b>${asSentence(alarm.text)}</b> ${asSentence(alarm.do)}</p>
      <p class="numeric">Since ${clock(alarm.since, zone)}.</p>
      ${complaint(said.value)}
    </div>
    <button class="button small" disabled=${stale.value || busy.value} aria-busy=${String(busy.value)}
      onClick=${() => run(acknowledge(alarm.id))}>Acknowledge</button>
  </div>`;
}

/** A banner for each alarm that presses. */
export const AlarmBanner = ({ now }) =>
  pressing(now).map(
    (alarm) => html`<${Alarm} key=${alarm.id} alarm=${alarm} zone=${now.site.timezone} />`,
  );
