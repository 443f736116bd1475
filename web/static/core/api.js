// Asks the controller and tells it things; every answer is JSON, every refusal a problem.
import { tokenRefused } from "./session.js";
import { asSentence } from "./words.js";

const PATIENCE_MS = 5000;

/** How long to wait for a switch: its relay has 5 s to follow. */
export const SWITCH_PATIENCE_MS = 9000;

/** The controller answered, and said no. `message` is a sentence for people. */
export class Refusal extends Error {
  constructor(status, problem) {
    const sentences = [problem.title, problem.detail].filter(Boolean).map(asSentence);
    super(sentences.join(" ") || `The controller refused this (${status}).`);
    this.status = status;
    this.code = problem.code ?? "";
  }
}

/** Nothing came back, so whether it was done is not known. */
export class NoAnswer extends Error {}

/** A key that names one wish, however often it is sent. randomUUID is missing on plain http. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function exchange(path, options, signal, patience_ms = PATIENCE_MS) {
  let response, answer;
  try {
    response = await fetch(path, { ...options, signal: withPatience(signal, patience_ms) });
    answer = response.status === 204 ? null : await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    if (response && !response.ok) throw new Refusal(response.status, {});
    throw new NoAnswer("The controller did not answer.");
  }
  if (response.ok) return answer;
  if (response.status === 401 && answer.code === "token-required") tokenRefused();
  throw new Refusal(response.status, answer);
}

function withPatience(signal, patience_ms) {
  const patience = AbortSignal.timeout(patience_ms);
  if (!signal) return patience;
  const either = new AbortController();
  for (const one of [signal, patience]) one.addEventListener("abort", () => either.abort());
  return either.signal;
}

/** GET; aborted when `signal` is. Throws Refusal or NoAnswer. */
export const ask = (path, signal) => exchange(path, {}, signal);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A command. Sent up to `most` times, with the same key and body, while no answer comes: the key
 * makes sure that it is done once. `onSilence` is called before each repeat. Throws Refusal, or
 * NoAnswer after the last try.
 */
export async function tell(
  method,
  path,
  body,
  { key = null, most = 1, onSilence = () => {}, patience_ms = PATIENCE_MS } = {},
) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  const options = { method, headers, body: JSON.stringify(body) };
  for (let tries = 1; ; tries += 1) {
    try {
      return await exchange(path, options, null, patience_ms);
    } catch (error) {
      const running = error instanceof Refusal && error.code === "in-progress";
      if (!(running || error instanceof NoAnswer) || tries === most) throw error;
      onSilence();
      await pause(1000);
    }
  }
}
