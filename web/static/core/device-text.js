// Devices and their links in words, as they stand in a circuit's details and on the Devices card.
import { GAP } from "./numbers.js";
import { duration, moment } from "./times.js";
import { capital, few } from "./words.js";

/** @import { Circuit, Device, DeviceLink, LastTest, Meter, State } from "./bodies.js" */

/** @type {Record<LastTest["grade"], string>} */
const GRADE = {
  ok: "Passed",
  unproved: "Nothing failed, but not proved by a meter",
  warning: "Passed with a warning",
  failed: "Failed",
};

/**
 * `Eastron SDM630 meter, unit 2 on cellar`.
 * @param {Meter} device
 */
export const deviceName = ({ title, address }) => `${title}, ${address}`;

/**
 * `Up`, `Down` or `Not used yet`.
 * @param {DeviceLink} link
 */
export const linkWord = ({ up }) => (up === null ? "Not used yet" : up ? "Up" : "Down");

/**
 * The link of a device: `cellar, up since 14:02`; what is wrong where it has none.
 * @param {Meter} device @param {State} now
 */
export function linkOf({ link }, now) {
  const found = now.device_links.find(({ id }) => id === link);
  if (!found) return "None, it cannot be opened";
  const since = found.up === null ? "" : ` since ${moment(found.since, now.t, now.site.timezone)}`;
  return `${found.id}, ${linkWord(found).toLowerCase()}${since}`;
}

/**
 * A short time: `20 ms`, from one second on `5 s`.
 * @param {number} seconds
 */
const pause = (seconds) =>
  seconds < 1 ? `${Math.round(seconds * 1000)}${GAP}ms` : duration(seconds);

/**
 * Who uses a link: `Heater, EV Charger and the main meter`.
 * @param {DeviceLink} link @param {State} now
 */
export function usersOf({ circuits, main_meter }, now) {
  const names = circuits.map((id) => now.circuits.find((circuit) => circuit.id === id)?.name ?? id);
  return few(main_meter ? [...names, "the main meter"] : names);
}

/**
 * What is worth knowing of a link, in one line: since when, its pace, its errors.
 * @param {DeviceLink} link @param {State} now
 */
export function linkFacts(link, now) {
  const since = moment(link.since, now.t, now.site.timezone);
  const errors = link.errors === 1 ? "1 error" : `${link.errors || "no"} errors`;
  return [
    link.up !== null && `since ${since}`,
    link.pace_s > 0 && `a request every ${pause(link.pace_s)} at most`,
    errors,
  ]
    .filter(Boolean)
    .join(", ");
}

/**
 * `Switched off for a while at 14:02, read back`; null where there was no command yet.
 * @param {Device} device @param {State} now
 */
export function lastCommand({ last_command: told }, now) {
  if (told === null) return null;
  const seen =
    told.read_back === null ? "being read back" : told.read_back ? "read back" : "not read back";
  return `${capital(told.what)}, ${moment(told.at, now.t, now.site.timezone)}, ${seen}`;
}

/**
 * What becomes of the circuit when this program dies; null where nothing switches it.
 * @param {Device} device
 */
export function withoutUs({ switches, lease, lease_s }) {
  if (!switches) return null;
  if (lease === null || lease_s === null) return "Stays as it was told";
  const after = pause(lease_s);
  return lease === "free"
    ? `Comes back from an event within ${after}`
    : `Limits itself after ${after}`;
}

/**
 * `Passed, 28 Nov, 14:02 (Plus 1PM, firmware 1.1.0)`; null where nothing can be tested.
 * @param {Device} device @param {State} now
 */
export function testText({ switches, test }, now) {
  if (test === null) return switches ? "Never; run venctl circuits test" : null;
  const firmware = test.firmware === null ? null : `firmware ${test.firmware}`;
  const what = [test.model, firmware].filter(Boolean).join(", ");
  const when = moment(test.at, now.t, now.site.timezone);
  return `${GRADE[test.grade]}, ${when}${what ? ` (${what})` : ""}`;
}

/**
 * What measures the circuit.
 * @param {Circuit} circuit
 */
export function meterText({ metered, simulated, device }) {
  if (!metered) return "None, its power is estimated";
  if (simulated || device === null) return "Simulated";
  if (device.meter) return deviceName(device.meter);
  return device.switches ? "That of the device" : "The device";
}

/**
 * What is wrong with its device or its meter, and is not said as the circuit's own fault.
 * @param {Circuit} circuit
 */
export const deviceFaults = ({ device, fault }) =>
  [device?.fault ?? "", device?.meter?.fault ?? ""].filter(
    (text) => text !== "" && !fault?.includes(text),
  );

/**
 * What of a site is not real: `Simulated` where all is, `2 simulated` where some is, else null.
 * @param {Circuit[]} circuits
 */
export function simulatedText(circuits) {
  const count = circuits.filter((circuit) => circuit.simulated).length;
  if (count === 0) return null;
  return count === circuits.length ? "Simulated" : `${count} simulated`;
}
