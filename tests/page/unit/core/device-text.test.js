import "../browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import * as text from "../../../../web/static/core/device-text.js";
import { plain } from "../plain.js";
import { AT, circuit, device, link, state } from "../site.js";

test("a link is up, down or not used yet, and says since when, how fast and how often it failed", () => {
  const now = state({ circuits: [circuit()] });
  assert.equal(text.linkWord(link()), "Up");
  assert.equal(plain(text.linkFacts(link(), now)), "since 16:00, no errors");
  const down = link({ up: false, pace_s: 0.02, errors: 1 });
  assert.equal(text.linkWord(down), "Down");
  assert.equal(
    plain(text.linkFacts(down, now)),
    "since 16:00, a request every 20 ms at most, 1 error",
  );
  const unused = link({ up: null, pace_s: 5, errors: 0 });
  assert.equal(text.linkWord(unused), "Not used yet");
  assert.equal(plain(text.linkFacts(unused, now)), "a request every 5 s at most, no errors");
  assert.equal(text.usersOf(link({ main_meter: true }), now), "Heater and the main meter");
});

test("a device is named with its place, and its link as it stands", () => {
  const now = state({ device_links: [link({ up: false })] });
  assert.equal(text.deviceName(device()), "Shelly relay, 192.168.1.40");
  assert.equal(plain(text.linkOf(device(), now)), "http 192.168.1.40, down since 16:00");
  assert.equal(text.linkOf(device({ link: null }), now), "None, it cannot be opened");
});

test("a command was read back, or not, or is being looked at", () => {
  const last = { what: "switched off", at: AT, read_back: true };
  const said = (/** @type {boolean | null} */ read_back) =>
    plain(text.lastCommand(device({ last_command: { ...last, read_back } }), state()) ?? "");
  assert.equal(said(true), "Switched off, 16:00, read back");
  assert.equal(said(false), "Switched off, 16:00, not read back");
  assert.equal(said(null), "Switched off, 16:00, being read back");
  assert.equal(text.lastCommand(device(), state()), null);
});

test("what happens without the program is told of every device that is switched", () => {
  assert.equal(plain(text.withoutUs(device()) ?? ""), "Comes back from an event within 2 min");
  const limits = device({ lease: "failsafe", lease_s: 15 });
  assert.equal(plain(text.withoutUs(limits) ?? ""), "Limits itself after 15 s");
  assert.equal(text.withoutUs(device({ lease: null, lease_s: null })), "Stays as it was told");
  assert.equal(text.withoutUs(device({ switches: false })), null);
});

test("the last test is told with its date and firmware, and a missing one names the command", () => {
  const last = { at: AT, findings: [], model: "Plus 1PM", firmware: "1.1.0" };
  const passed = device({ test: { ...last, grade: "ok" } });
  assert.equal(
    plain(text.testText(passed, state()) ?? ""),
    "Passed, 16:00 (Plus 1PM, firmware 1.1.0)",
  );
  const failed = device({ test: { ...last, grade: "failed", model: null, firmware: null } });
  assert.equal(plain(text.testText(failed, state()) ?? ""), "Failed, 16:00");
  assert.equal(text.testText(device(), state()), "Never; run venctl circuits test");
  assert.equal(text.testText(device({ switches: false }), state()), null);
});

test("simulated is only what is simulated", () => {
  const [real, modelled] = [circuit({ simulated: false, device: device() }), circuit()];
  assert.equal(text.simulatedText([modelled, modelled]), "Simulated");
  assert.equal(text.simulatedText([real, modelled]), "1 simulated");
  assert.equal(text.simulatedText([real]), null);
  assert.equal(text.simulatedText([]), null);
});

test("a circuit says what measures it", () => {
  const real = circuit({ simulated: false, device: device() });
  assert.equal(text.meterText(real), "That of the device");
  const beside = circuit({
    simulated: false,
    device: device({ meter: device({ title: "SDM120" }) }),
  });
  assert.equal(text.meterText(beside), "SDM120, 192.168.1.40");
  assert.equal(text.meterText(circuit({ metered: false })), "None, its power is estimated");
  assert.equal(text.meterText(circuit()), "Simulated");
});

test("a fault of the device is told once", () => {
  const fault = "192.168.1.40 does not answer";
  const own = device({ fault });
  assert.deepEqual(text.deviceFaults(circuit({ device: own })), [fault]);
  assert.deepEqual(text.deviceFaults(circuit({ device: own, fault: `told off: ${fault}` })), []);
  assert.deepEqual(text.deviceFaults(circuit()), []);
});
