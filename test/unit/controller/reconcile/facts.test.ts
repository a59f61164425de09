import { describe, expect, test } from "vitest";
import { fingerprintOf, hasMadeProgress, isAhead, isUnused, lastUseMs, wantedClaims, type AgentFacts } from "../../../../controller/reconcile/facts.ts";
import { aPod, anAgent, aThread, MINUTE, nothingUnread, NOW_MS, states, unreadSince } from "../../../support/thread-facts.ts";

const agentWith = (spec: Readonly<Record<string, unknown>>): AgentFacts => ({ kind: "present", agent: anAgent(spec) });

describe("the fingerprint of a definition", () => {
  const before = fingerprintOf(aThread(), agentWith({}));

  test.each<[string, AgentFacts]>([
    ["the image", agentWith({ image: "example.com/helper:2" })], ["a variable", agentWith({ env: [{ name: "A", value: "1" }] })], ["a grant", agentWith({ grants: ["github"] })],
    ["that there is no definition", { kind: "missing" }],
  ])("changes with %s", (_, agent) => {
    expect(fingerprintOf(aThread(), agent)).not.toBe(before);
  });

  test.each<[string, AgentFacts]>([["the idle timeout", agentWith({ idleTimeout: "1h" })], ["the number of instances", agentWith({ instances: { max: 7, warm: 1 } })]])(
    "does not change with %s, which is when and not what", (_, agent) => {
      expect(fingerprintOf(aThread(), agent)).toBe(before);
    });

  test("changes with what the thread was given, not with how it is controlled", () => {
    expect(fingerprintOf(aThread({ grants: ["github"] }), agentWith({}))).not.toBe(before);
    expect(fingerprintOf(aThread({ paused: true, title: "mine", stopRequestedAt: "2026-01-01T00:00:00Z" }), agentWith({}))).toBe(before);
  });
});

describe("the last use", () => {
  test("is the latest of activity and start", () => {
    expect(lastUseMs({ demand: nothingUnread(NOW_MS - MINUTE), pod: null, nowMs: NOW_MS })).toBe(NOW_MS - MINUTE);
    expect(lastUseMs({ demand: nothingUnread(0), pod: aPod({ kind: "running", sinceMs: NOW_MS - 5 }), nowMs: NOW_MS })).toBe(NOW_MS - 5);
    expect(lastUseMs({ demand: nothingUnread(), pod: aPod(states.starting), nowMs: NOW_MS })).toBe(NOW_MS - MINUTE);
    expect(lastUseMs({ demand: nothingUnread(), pod: null, nowMs: NOW_MS })).toBe(0);
  });

  test("is not in the future, whatever a node's clock says", () => {
    expect(lastUseMs({ demand: nothingUnread(NOW_MS + MINUTE), pod: null, nowMs: NOW_MS })).toBe(NOW_MS);
  });
});

describe("an agent has done something", () => {
  test("when all is read, or its first message is not the oldest any more", () => {
    expect(hasMadeProgress({ demand: nothingUnread(), pod: aPod(states.running) })).toBe(true);
    expect(hasMadeProgress({ demand: unreadSince(NOW_MS), pod: aPod(states.running) })).toBe(true);
  });

  test("not when the message that it was started for is still there, nor when nobody says what it was started for", () => {
    expect(hasMadeProgress({ demand: unreadSince(NOW_MS - MINUTE), pod: aPod(states.running) })).toBe(false);
    expect(hasMadeProgress({ demand: unreadSince(NOW_MS), pod: aPod(states.running, { start: null }) })).toBe(false);
  });
});

test("a thread is unused until there is a message, an instance or any other activity", () => {
  expect(isUnused({ demand: nothingUnread(), pod: null })).toBe(true);
  expect(isUnused({ demand: unreadSince(NOW_MS), pod: null })).toBe(false);
  expect(isUnused({ demand: nothingUnread(NOW_MS), pod: null })).toBe(false);
  expect(isUnused({ demand: nothingUnread(), pod: aPod(states.starting) })).toBe(false);
});

describe("an instance is ahead of its first message", () => {
  const ahead = aPod(states.running, { start: { fingerprint: "f1", oldestUnreadMs: null, madeAtMs: NOW_MS - MINUTE } });
  const sinceStart = nothingUnread(NOW_MS - MINUTE);

  test("as long as nothing has happened since its start", () => {
    expect([isAhead({ demand: sinceStart, pod: ahead }), isAhead({ demand: nothingUnread(), pod: ahead })]).toEqual([true, true]);
  });

  test("not any more with a message or any use, and not if a message has started it", () => {
    expect(isAhead({ demand: unreadSince(NOW_MS), pod: ahead })).toBe(false);
    expect(isAhead({ demand: nothingUnread(NOW_MS), pod: ahead })).toBe(false);
    expect(isAhead({ demand: sinceStart, pod: aPod(states.running) })).toBe(false);
    expect(isAhead({ demand: sinceStart, pod: null })).toBe(false);
  });
});

test("each volume of the agent is a claim of the thread; without a definition there is none", () => {
  expect(wantedClaims({ thread: aThread(), agent: agentWith({ volumes: [{ name: "work", mountPath: "/work" }] }) })).toEqual([{ volume: "work", name: "weir-one.work" }]);
  expect(wantedClaims({ thread: aThread(), agent: { kind: "missing" } })).toEqual([]);
});
