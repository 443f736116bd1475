// Asks for the token, in place of the page.
import { signIn } from "../core/session.js";
import { html, useState } from "../vendor/ui.js";
import { icon, problem } from "./components.js";

export function TokenForm() {
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const token = String(new FormData(form).get("token") ?? "").trim();
    if (!token) return setFault("Type the token first.");
    setBusy(true);
    setFault((await signIn(token)) ?? "");
    setBusy(false);
  };
  return html`<main id="main" class="token" tabindex="-1">
    <form class="card" onSubmit=${submit} aria-busy=${busy}>
      <span class="dialog-icon">${icon("key-round")}</span>
      <h1>Enter this controller's token</h1>
      <p class="muted">
        <code>venctl run</code> prints it when it starts, and keeps it in its state directory.
      </p>
      <label for="token">Token</label>
      <input id="token" name="token" type="password" autocomplete="current-password"
        spellcheck="false" autocapitalize="off" autofocus />
      ${problem(fault)}
      <button class="button primary" disabled=${busy}>Open the page</button>
    </form>
  </main>`;
}
