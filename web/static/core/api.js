// Asks the controller and sends it commands; every answer is JSON, every refusal a problem.
import { tokenRefused } from "./session.js";
import { asSentence } from "./words.js";

const PATIENCE_MS = 5000;

/** How long to wait for a switch: its relay has 5 s to follow. */
export const SWITCH_PATIENCE_MS = 9000;

/** The controller answered, and refused. `message` is a sentence for people. */
export class Refusal extends Error {
  /** @param {number} status @param {import("./bodies.js").Problem} problem */
  constructor(status, problem) {
    const sentences = [problem.title, problem.detail].filter((text) => text !== undefined);
    super(sentences.map(asSentence).join(" ") || `The controller refused this (${status}).`);
    this.status = status;
    this.code = problem.code ?? "";
  }
}

/** Nothing came back, so whether it was done is not known. */
export class NoAnswer extends Error {}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** A key that names one command, however often it is sent. randomUUID is missing on plain http. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} path @param {RequestInit} options
 * @param {AbortSignal | null | undefined} signal
 */
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

/** @param {AbortSignal | null | undefined} signal @param {number} patience_ms */
function withPatience(signal, patience_ms) {
  const patience = AbortSignal.timeout(patience_ms);
  if (!signal) return patience;
  const either = new AbortController();
  for (const source of [signal, patience]) source.addEventListener("abort", () => either.abort());
  return either.signal;
}

/**
 * GET; aborted when `signal` is. Throws Refusal or NoAnswer.
 * @param {string} path @param {AbortSignal} [signal]
 */
export const get = (path, signal) => exchange(path, {}, signal);

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @typedef {object} Sending
 * @property {string} [key] names the command, so that the controller carries it out once
 * @property {number} [most] how often it is sent while no answer comes
 * @property {() => void} [onSilence] called before each repeat
 * @property {number} [patience_ms] how long to wait for each answer
 */

/**
 * A command. Sent up to `most` times, with the same key and body, while no answer comes. Throws
 * Refusal, or NoAnswer after the last try.
 * @param {string} method @param {string} path @param {object} body @param {Sending} [sending]
 */
export async function send(method, path, body, sending = {}) {
  const { key, most = 1, onSilence = () => {}, patience_ms } = sending;
  /** @type {Record<string, string>} */
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
