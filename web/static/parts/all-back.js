// Everything back at once: every event ends, and for a while only people here call a new one.

import { newKey, tell } from "../core/api.js";
import { stale } from "../core/live.js";
import { until } from "../core/words.js";
import { html } from "../vendor/ui.js";
import { complaint, icon } from "./components.js";
import { confirmFirst, tellToast } from "./dialog.js";
import { factsOf } from "./end-events.js";
import { useDeed } from "./request.js";

const allBack = (body) => (onSilence) =>
  tell("POST", "/api/v1/all-back", body, { key: newKey(), most: 3, onSilence });

function ask(now, run) {
  const begun = now.events.filter((one) => !one.scheduled);
  const toCome = now.events.filter((one) => one.scheduled);
  const theirs = now.events.some((one) => one.theirs);
  confirmFirst({
    name: "rotate-ccw",
    title: "All back now?",
    text: "Every event ends, those to come as well. What they hold comes back in steps, critical circuits first. For 10 minutes only people here can call an event.",
    facts: [...factsOf(begun, "restore"), ...factsOf(toCome, "cancel")],
    wants: theirs ? "Reason, for the record" : "",
    keep: "Leave it as it is",
    go: "All back now",
    danger: theirs,
    act: async (reason) => {
      const body = { ...(theirs && { confirm_operator: true }), ...(reason && { reason }) };
      if (await run(allBack(body))) tellToast("Everything is on its way back.");
    },
  });
}

/** The button, and until when nobody from afar is heard after it. */
export function AllBack({ now }) {
  const { busy, said, run } = useDeed();
  const shut = now.shut_until !== null && now.shut_until > now.t;
  return html`<div class="all-back">
    <button class="button small" disabled=${stale.value || busy.value} aria-busy=${String(busy.value)}
      aria-haspopup="dialog" onClick=${() => ask(now, run)}>${icon("rotate-ccw")}All back now</button>
    ${
      shut &&
      html`<span class="hint numeric">Until ${until(now.shut_until, now.site.timezone)} only
      people here can call an event.</span>`
    }
    ${complaint(said.value)}
  </div>`;
}
