// The token that a page off loopback needs: from the address it was opened with, or asked for.

import { complaint, icon } from "../parts/components.js";
import { html, signal, useState } from "../vendor/ui.js";

/** Whether the controller wants a token and this page has none that it takes. */
export const locked = signal(false);

/** Counts the times a token was accepted, so that whoever waits can begin again. */
export const admissions = signal(0);

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
  if (signingIn || locked.value) return;
  if (offered) {
    const token = offered;
    offered = null;
    signIn(token);
  } else {
    locked.value = true;
  }
}

/** Trades the token for a cookie; the sentence to show when that failed, else null. */
async function signIn(token) {
  signingIn = true;
  try {
    const response = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    locked.value = !response.ok;
    if (response.ok) admissions.value += 1;
    return response.ok ? null : sentenceFor(response.status);
  } catch {
    locked.value = true;
    return "The controller did not answer. Try again.";
  } finally {
    signingIn = false;
  }
}

function sentenceFor(status) {
  if (status === 401) return "That is not this controller's token.";
  if (status === 429) return "Too many tries. Wait a little, then try again.";
  return `The controller refused this (${status}).`;
}

/** The form that asks for the token. */
export function TokenForm() {
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const token = new FormData(event.target).get("token").trim();
    if (!token) return setFault("Type the token first.");
    setBusy(true);
    setFault((await signIn(token)) ?? "");
    setBusy(false);
  };
  return html`<main id="main" class="token" tabindex="-1">
    <form class="card" onSubmit=${submit} aria-busy=${busy}>
      <span class="dialog-icon">${icon("key-round")}</span>
      <h1>This controller asks for its token</h1>
      <p class="muted">
        <code>venctl run</code> prints it when it starts, and keeps it in its state directory.
      </p>
      <label for="token">Token</label>
      <input id="token" name="token" type="password" autocomplete="current-password"
        spellcheck="false" autocapitalize="off" autofocus />
      ${complaint(fault)}
      <button class="button primary" disabled=${busy}>Open the page</button>
    </form>
  </main>`;
}
