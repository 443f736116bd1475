// Asks for an event: the command, the question before critical circuits, the word after.
import { newKey, Refusal, tell } from "../core/api.js";
import { serverNow } from "../core/live.js";
import { duration, kw, moment } from "../core/words.js";
import { confirmFirst, tellToast } from "./dialog.js";
import { critically, criticalOnes, previewSoon } from "./preview.js";

let unanswered = null;

function commandFor({ asked, start_at }, answer, confirmed) {
  return {
    ...asked,
    // A later event is planned when it starts, so it is not bound to what is drawn now.
    ...(start_at ? { start_at } : { plan_rev: answer.rev }),
    ...(confirmed && { confirm_critical: true }),
  };
}

/**
 * Sends a wish {asked, start_at} planned as `answer` says; gives the ack. Throws with a sentence.
 * What stayed without an answer is sent again as it was, so that it is not done twice.
 */
export async function send(wish, answer, confirmed, onSilence) {
  const print = JSON.stringify([wish.asked, wish.start_at]);
  if (unanswered?.print !== print) {
    unanswered = { print, key: newKey(), body: commandFor(wish, answer, confirmed) };
  }
  const { key, body } = unanswered;
  try {
    const ack = await tell("POST", "/api/v1/events", body, { key, most: 3, onSilence });
    unanswered = null;
    return ack;
  } catch (error) {
    if (error instanceof Refusal) unanswered = null;
    if (error.code !== "plan-changed") throw error;
    previewSoon(wish.asked);
    throw new Error("The loads changed. Check the new preview.");
  }
}

/** Lists the critical circuits the wish would turn down, and asks. */
export function askAboutCritical(wish, answer, act) {
  const touched = criticalOnes(answer);
  confirmFirst({
    name: "shield",
    title: "Turn down critical circuits?",
    text: `${kw(wish.asked.shed_kw)} for ${duration(wish.asked.duration_s)} asks more of them than they give now.`,
    facts: touched.map((one) => ["zap", critically(one)]),
    keep: "Keep as it is",
    go: wish.start_at ? "Schedule anyway" : "Shed anyway",
    danger: true,
    act,
  });
}

/** Says what became of it. */
export function welcome(ack, site) {
  const when = ack.start_ts && moment(ack.start_ts, serverNow(), site.timezone);
  tellToast(ack.status === "scheduled" && when ? `Event scheduled for ${when}.` : "Event started.");
}
