// All load back at once: every event ends, and for a while only people at the site call new ones.
import { newKey, send } from "../core/api.js";
import { stale } from "../core/live.js";
import { until } from "../core/times.js";
import { html } from "../vendor/ui.js";
import { icon, problem } from "./components.js";
import { confirmFirst, showToast } from "./dialog.js";
import { factsOf, REASON } from "./end-events.js";
import { useRequest } from "./request.js";

/** @import { State } from "../core/bodies.js" */
/** @import { Run, Send } from "./request.js" */

const TEXT =
  "Every event ends, scheduled ones too. Load returns in steps, critical circuits first. " +
  "For the next 10 minutes, only people here can call an event.";

/** @param {object} body @returns {Send} */
const allBack = (body) => (onSilence) =>
  send("POST", "/api/v1/all-back", body, { key: newKey(), most: 3, onSilence });

/** @param {State} now @param {Run} run */
function ask(now, run) {
  const begun = now.events.filter((event) => !event.scheduled);
  const scheduled = now.events.filter((event) => event.scheduled);
  const theirs = now.events.some((event) => event.theirs);
  confirmFirst({
    name: "rotate-ccw",
    title: "All back now?",
    text: TEXT,
    facts: [...factsOf(begun, "restore"), ...factsOf(scheduled, "cancel")],
    reason: theirs ? REASON : "",
    keep: "Leave as it is",
    go: "All back now",
    danger: theirs,
    act: async (reason) => {
      const body = { ...(theirs && { confirm_operator: true }), ...(reason && { reason }) };
      if (await run(allBack(body))) showToast("All load is coming back.");
    },
  });
}

/**
 * The button, and until when nobody outside the site is heard after it.
 * @param {{now: State}} props
 */
export function AllBack({ now }) {
  const { busy, message, run } = useRequest();
  const shut = now.shut_until !== null && now.shut_until > now.t ? now.shut_until : null;
  return html`<div class="all-back">
    <button class="button small" disabled=${stale.value || busy.value} aria-busy=${String(busy.value)}
      aria-haspopup="dialog" onClick=${() => ask(now, run)}>${icon("rotate-ccw")}All back now</button>
    ${
      shut !== null &&
      html`<span class="hint numeric">Until ${until(shut, now.site.timezone)} only
      people here can call an event.</span>`
    }
    ${problem(message.value)}
  </div>`;
}
