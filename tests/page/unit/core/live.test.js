import "../browser.js";
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FakeStream, fakeBrowser } from "../fakes.js";
import { state as siteState } from "../site.js";

const { clock, network, page } = fakeBrowser();
const live = await import("../../../../web/static/core/live.js");
const session = await import("../../../../web/static/core/session.js");
live.start();

const now = () => siteState({ t: clock.now / 1000 });

/** The stream tells the state every second, for so long. */
async function stream(seconds = 1) {
  for (let i = 0; i < seconds; i += 1) {
    FakeStream.last.tell("state", now());
    await clock.pass(1000);
  }
}

/** A page that has its stream. */
beforeEach(async () => {
  network.fails();
  page.hidden = false;
  session.tokenNeeded.value = false;
  live.connect();
  FakeStream.last.tell("snapshot", now());
  await stream();
  assert.equal(live.trouble.value, null);
});

test("while the stream speaks nobody is asked", async () => {
  const { asked } = network;
  await stream(60);
  assert.equal(network.asked, asked);
  assert.equal(live.trouble.value, null);
  assert.equal(FakeStream.openCount, 1);
});

test("a stream that breaks is asked instead, and tried again after a pause", async () => {
  network.answers(now());
  FakeStream.last.tell("error");
  await clock.pass(100);
  assert.equal(live.trouble.value, null, "the answer came at once");
  assert.equal(FakeStream.openCount, 0);
  await clock.pass(4500);
  assert.equal(FakeStream.openCount, 1);
  FakeStream.last.tell("snapshot", now());
  const { asked } = network;
  await stream(20);
  assert.equal(network.asked, asked, "and the asking ends");
});

test("where no stream gets through, asking goes on and streams are tried ever more rarely", async () => {
  network.answer = () => Promise.resolve(Response.json(now()));
  FakeStream.last.tell("error");
  const opened = FakeStream.opened.length;
  await clock.pass(300_000);
  const tries = FakeStream.opened.length - opened;
  assert.ok(tries >= 8 && tries <= 15, `${tries} tries in five minutes`);
  assert.equal(live.trouble.value, null);
});

test("a stream that falls silent is helped out after 5 s, and given up after 10", async () => {
  const silent = FakeStream.last;
  const { asked } = network;
  await clock.pass(4000);
  assert.equal(network.asked, asked);
  await clock.pass(2000);
  assert.ok(network.asked > asked);
  assert.ok(silent.open);
  await clock.pass(6000);
  assert.ok(!silent.open);
});

test("a controller that is gone is said to be lost, and found again by itself", async () => {
  FakeStream.last.tell("error");
  await clock.pass(1000);
  assert.equal(live.trouble.value, "lost");
  assert.ok(live.stale.value);
  await clock.pass(60_000);
  assert.ok(live.nextTry_s.value <= 5, "asked every 5 s at least");
  const connections = live.connections.value;
  network.answers(siteState({ t: clock.now / 1000, power_kw: 7 }));
  await clock.pass(5500);
  assert.equal(live.trouble.value, null);
  assert.equal(live.latest().power_kw, 7);
  assert.ok(live.connections.value > connections, "what stands beside the state is fetched anew");
});

test("a tab that another one pushed out rests until somebody resumes it", async () => {
  FakeStream.last.tell("evicted");
  const { asked } = network;
  await clock.pass(120_000);
  assert.equal(live.trouble.value, "evicted");
  assert.equal(network.asked, asked);
  assert.equal(FakeStream.openCount, 0);
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(live.trouble.value, "evicted", "to look at it is not to resume it");
  live.connect();
  FakeStream.last.tell("snapshot", now());
  assert.equal(live.trouble.value, null);
});

test("a page that is hidden for half a minute lets its stream go, and takes one when it is seen", async () => {
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  await stream(29);
  assert.equal(FakeStream.openCount, 1);
  await clock.pass(1500);
  assert.equal(FakeStream.openCount, 0);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(FakeStream.openCount, 1);
});

test("a page that is seen again soon keeps its stream", async () => {
  const mine = FakeStream.last;
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  await stream(10);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  await stream(60);
  assert.ok(mine.open);
});

test("without a token nothing is asked until one is accepted", async () => {
  network.refuses(401, { code: "token-required", title: "A token is needed" });
  FakeStream.last.tell("error");
  await clock.pass(1000);
  assert.ok(session.tokenNeeded.value);
  const { asked } = network;
  await clock.pass(60_000);
  assert.equal(network.asked, asked);
  network.answer = () => Promise.resolve(new Response(null, { status: 204 }));
  assert.equal(await session.signIn("secret"), null);
  assert.equal(FakeStream.openCount, 1);
});

test("the clock is the server's, and small differences do not make it jump", async () => {
  const before = live.serverNow();
  FakeStream.last.tell("state", siteState({ t: clock.now / 1000 + 0.2 }));
  assert.equal(live.serverNow(), before);
  FakeStream.last.tell("state", siteState({ t: clock.now / 1000 + 90 }));
  assert.equal(live.serverNow(), clock.now / 1000 + 90);
});

test("what an old stream still says is not heard", async () => {
  const old = FakeStream.last;
  live.connect();
  FakeStream.last.tell("snapshot", now());
  old.tell("state", siteState({ t: clock.now / 1000, power_kw: 99 }));
  assert.equal(live.latest().power_kw, 10);
});

test("somebody who tries now need not wait for the next try", async () => {
  FakeStream.last.tell("error");
  await clock.pass(20_000);
  assert.equal(live.trouble.value, "lost");
  network.answers(now());
  live.connect();
  await clock.pass(10);
  assert.equal(live.trouble.value, null);
});
