// The token that a page off loopback needs: from the address it was opened with, or typed in.
import { signal } from "../vendor/ui.js";

/** Whether the controller wants a token and this page has none that it takes. */
export const tokenNeeded = signal(false);

/** Counts the times a token was accepted, so that whoever waits can begin again. */
export const signIns = signal(0);

let offered = takeFromAddress();
let signingIn = false;

function takeFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  // A token in the address would stay in the history and in every copied link.
  if (token) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

/** Called when the API answers that it wants a token. */
export function tokenRefused() {
  if (signingIn || tokenNeeded.value) return;
  if (offered) {
    const token = offered;
    offered = null;
    signIn(token);
  } else {
    tokenNeeded.value = true;
  }
}

/**
 * Trades the token for a cookie; the sentence to show when that failed, else null.
 * @param {string} token
 */
export async function signIn(token) {
  signingIn = true;
  try {
    const response = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    tokenNeeded.value = !response.ok;
    if (response.ok) signIns.value += 1;
    return response.ok ? null : sentenceFor(response.status);
  } catch {
    tokenNeeded.value = true;
    return "The controller did not answer. Try again.";
  } finally {
    signingIn = false;
  }
}

/** @param {number} status */
function sentenceFor(status) {
  if (status === 401) return "This is not the controller's token.";
  if (status === 429) return "Too many tries. Wait a minute, then try again.";
  return `The controller refused this (${status}).`;
}
