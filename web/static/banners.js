// The banners between header and cards: what is wrong, or special, with the page or the site.
import { connect, nextTry_s, silence_s, trouble } from "./core/live.js";
import { clock, duration } from "./core/times.js";
import { asSentence } from "./core/words.js";
import { AlarmBanner, pressing } from "./parts/alarms.js";
import { icon } from "./parts/components.js";
import { html } from "./vendor/ui.js";

/** @import { State } from "./core/bodies.js" */

/** @typedef {{now: State | null}} BannerProps */

/** @param {BannerProps} props */
function LostBanner({ now }) {
  const ago = duration(silence_s.value);
  const shown = now && `Showing values from ${clock(now.t, now.site.timezone)}, ${ago} ago. `;
  const wait = nextTry_s.value;
  // What counts seconds stands outside the alert, or it would be read out every second.
  return html`<div class="banner bad">
    ${icon("wifi-off")}
    <div>
      <p role="alert"><b>No connection to the controller.</b> The controller keeps running an event
        that is in progress.</p>
      <p class="numeric">${shown}${wait > 0 ? `Trying again in ${wait} s.` : "Trying again now."}</p>
    </div>
    <button class="button small" onClick=${connect}>Try now</button>
  </div>`;
}

const PausedBanner = () => html`<div class="banner">
  ${icon("info")}
  <div><p role="alert"><b>Paused here, because the page is open in another tab.</b></p></div>
  <button class="button small" onClick=${connect}>Resume</button>
</div>`;

const ObserveBanner = () => html`<div class="banner info">
  ${icon("eye")}
  <p><b>This site only observes.</b> It plans, answers and reports what it would shed, but switches
    nothing.</p>
</div>`;

/**
 * A rule that ven.yaml declares is broken. What is found drifts, so it stands outside the alert.
 * @param {{now: State}} props
 */
const BreachBanner = ({ now }) =>
  now.breaches.map(
    ({ rule, found }) => html`<div class="banner bad" key=${rule}>
  ${icon("triangle-alert")}
  <div>
    <p role="alert"><b>A rule of this site is broken.</b> ${asSentence(rule)}</p>
    <p class="numeric">Now: ${found}.</p>
  </div>
</div>`,
  );

/** @param {{now: State}} props */
const Troubles = ({ now }) => [
  html`<${AlarmBanner} now=${now} />`,
  html`<${BreachBanner} now=${now} />`,
];

/**
 * The banner of a page with a link.
 * @param {State | null} now
 */
function linkedBanner(now) {
  if (now && pressing(now).length + now.breaches.length > 0) return Troubles;
  return now?.mode === "observe" ? ObserveBanner : null;
}

/** @param {State | null} now */
function bannerFor(now) {
  if (trouble.value === "lost") return LostBanner;
  return trouble.value === "evicted" ? PausedBanner : linkedBanner(now);
}

/** @param {BannerProps} props */
export function Banner({ now }) {
  const shown = bannerFor(now);
  return (
    shown && html`<section class="banners" aria-label="Notice"><${shown} now=${now} /></section>`
  );
}
