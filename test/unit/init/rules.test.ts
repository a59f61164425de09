import { describe, expect, test } from "vitest";
import { initConfig, rulesConfig } from "../../../init/config.ts";
import { readBack } from "../../../init/read-back.ts";
import { planRules, renderRules, type Chain } from "../../../init/rules.ts";

const local = planRules(rulesConfig.parse({ mode: "local" }));
const pod = planRules(rulesConfig.parse({ mode: "pod", nodeAddresses: "10.78.0.1, fd78::1", inboundFrom: ["10.78.0.1"] }));
const podWithContainer = planRules(rulesConfig.parse({ mode: "pod", nodeAddresses: "10.78.0.1", containers: "shell:64100" }));

const chain = (chains: readonly Chain[], name: string) => {
  const found = chains.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no chain ${name}`);
  return found;
};
const lines = (chains: readonly Chain[], name: string) => chain(chains, name).rules.map((rule) => `${rule.match} ${rule.action}`.trim());

/** What `nft -j list table` would print of a plan, as far as it is read. */
function listed(chains: readonly Chain[]): { nftables: Record<string, unknown>[] } {
  return {
    nftables: chains.flatMap((one) => [
      { chain: { name: one.name, type: one.type, hook: one.hook, prio: one.priority, policy: one.policy } },
      ...one.rules.map((rule) => ({
        rule: {
          chain: one.name, comment: rule.name,
          expr: [...(rule.match === "" ? [] : [matchOf(rule.match)]), { counter: { packets: 3, bytes: 9 } }, verdict(rule.action)],
        },
      })),
    ]),
  };
}

function matchOf(match: string): Record<string, unknown> {
  const uid = match.match(/meta skuid (\d+)/)?.[1];
  return { match: uid === undefined ? { op: "==", left: match, right: 1 } : { op: "==", left: { meta: { key: "skuid" } }, right: Number(uid) } };
}

function verdict(action: string): Record<string, unknown> {
  const port = action.match(/^redirect to :(\d+)$/)?.[1];
  if (port !== undefined) return { redirect: { port: Number(port) } };
  return { [action.startsWith("reject") ? "reject" : action.startsWith("ct") ? "accept" : action]: null };
}

describe("rules", () => {
  test("turn every TCP connection to the sidecar, port 53 included, and DNS datagrams to its other port", () => {
    for (const chains of [local, pod]) {
      expect(lines(chains, "capture").slice(-2)).toEqual(["udp dport 53 redirect to :15053", "meta l4proto tcp redirect to :15001"]);
    }
  });

  test("of a pod let one port of one address per family out, and of a local sandbox nothing at all", () => {
    const accepted = (chains: readonly Chain[]) => lines(chains, "outgoing").filter((line) => line.endsWith("accept"));
    expect(accepted(local)).toEqual(["fib daddr type local accept"]);
    expect(accepted(pod).filter((line) => line.includes("daddr"))).toEqual([
      "fib daddr type local accept", "ip daddr 10.78.0.1 tcp dport 15008 accept", "ip6 daddr fd78::1 tcp dport 15008 accept",
    ]);
  });

  test("drop by default in every direction, and refuse with a signal what a program of the agent sends", () => {
    for (const chains of [local, pod]) {
      for (const name of ["outgoing", "incoming", "last_gate", "forwarding"]) expect(chain(chains, name).policy).toBe("drop");
      expect(lines(chains, "outgoing").slice(-2)).toEqual(["meta l4proto tcp reject with tcp reset", "reject with icmpx type port-unreachable"]);
    }
  });

  test("let replies out only on connections that came in, and only listed addresses in", () => {
    expect(lines(pod, "outgoing")).toContain("ct direction reply ct mark 0x5e ct state established,related accept");
    expect(lines(pod, "incoming")).toContain("ip saddr 10.78.0.1 ct state new ct mark set 0x5e accept");
    expect(lines(local, "incoming").join("\n")).not.toContain("ct state");
    expect(lines(local, "outgoing").join("\n")).not.toContain("ct direction");
  });

  test("stop invented sources, source routes and a local destination on a real device", () => {
    expect(lines(local, "sanity")).toEqual(["fib saddr type != local drop", "ip hdrlength > 5 drop", "exthdr rt exists drop", "exthdr mh exists drop"]);
    expect(lines(pod, "last_gate").slice(0, 2)).toEqual(['oifname "lo" accept', "fib daddr type local drop"]);
    expect(lines(pod, "last_gate").at(-1)).toBe("drop");
  });

  test("are one transaction that replaces the table, with a counter and a name on each refusal", () => {
    const text = renderRules(pod);
    expect(text.startsWith("table inet weir\ndelete table inet weir\ntable inet weir {\n")).toBe(true);
    const refusals = text.split("\n").filter((line) => / (drop|reject)\b/.test(line) && !line.includes("policy"));
    expect(refusals.length).toBeGreaterThan(8);
    for (const line of refusals) expect(line).toMatch(/counter (drop|reject).* comment "[^"]+"$/);
  });
});

describe("rules of a pod whose containers have identities of their own", () => {
  const withTwo = planRules(rulesConfig.parse({ mode: "pod", nodeAddresses: "10.78.0.1", containers: "shell:64100, files:64101", sidecarUid: 64_000 }));

  test("turn each uid to its own pair of ports, before everybody else is turned to the agent's", () => {
    expect(lines(withTwo, "capture").slice(1)).toEqual([
      "ip daddr 10.78.0.1 tcp dport 15008 meta skuid 64000 return",
      "meta skuid 64100 udp dport 53 redirect to :15054", "meta skuid 64100 meta l4proto tcp redirect to :15002",
      "meta skuid 64101 udp dport 53 redirect to :15055", "meta skuid 64101 meta l4proto tcp redirect to :15003",
      "udp dport 53 redirect to :15053", "meta l4proto tcp redirect to :15001",
    ]);
  });

  test("let nobody else to these ports, nor these uids to the agent's, before anything local is accepted", () => {
    const outgoing = lines(withTwo, "outgoing");
    const guards = outgoing.slice(0, outgoing.indexOf("fib daddr type local accept"));
    expect(guards).toEqual([
      "fib daddr type local tcp dport 15002 meta skuid 64100 ct status dnat accept", "fib daddr type local udp dport 15054 meta skuid 64100 ct status dnat accept",
      "fib daddr type local tcp dport 15003 meta skuid 64101 ct status dnat accept", "fib daddr type local udp dport 15055 meta skuid 64101 ct status dnat accept",
      "fib daddr type local tcp dport 15002-15017 tcp flags & (syn | ack) != syn accept",
      "fib daddr type local tcp dport 15002-15017 reject with tcp reset",
      "fib daddr type local udp dport 15054-15069 reject with icmpx type port-unreachable",
      "fib daddr type local tcp dport 15001 meta skuid { 64100, 64101 } reject with tcp reset",
      "fib daddr type local udp dport 15053 meta skuid { 64100, 64101 } reject with icmpx type port-unreachable",
    ]);
  });

  test("name the only such container as nft lists it, without a set", () => {
    const withOne = planRules(rulesConfig.parse({ mode: "pod", nodeAddresses: "10.78.0.1", containers: "shell:64100", sidecarUid: 64_000 }));
    expect(lines(withOne, "outgoing")).toContain("fib daddr type local tcp dport 15001 meta skuid 64100 reject with tcp reset");
  });

  test("close all these ports to the outside, and are absent without such containers", () => {
    expect(lines(withTwo, "incoming")).toContain('iifname != "lo" tcp dport 15001-15017 drop');
    expect(lines(pod, "incoming")).toContain('iifname != "lo" tcp dport 15001 drop');
    expect(renderRules(pod)).not.toContain("skuid");
  });
});

describe("inbound", () => {
  const incoming = (settings: object) => lines(planRules(rulesConfig.parse({ mode: "pod", nodeAddresses: "10.78.0.1", ...settings })), "incoming").filter((line) => line.includes("ct mark set"));

  test.each([
    ["nobody, although addresses are listed", { inbound: "none", inboundFrom: "10.78.0.1" }, []],
    ["the listed addresses", { inbound: "listed", inboundFrom: "10.78.0.1,fd78::1" }, ["ip saddr 10.78.0.1 ct state new ct mark set 0x5e accept", "ip6 saddr fd78::1 ct state new ct mark set 0x5e accept"]],
    ["nobody by default", {}, []],
    ["anybody, by TCP alone", { inbound: "any" }, ["meta l4proto tcp ct state new ct mark set 0x5e accept"]],
  ])("lets in %s", (_name, settings, rules) => {
    expect(incoming(settings)).toEqual(rules);
  });
});

describe("configuration of init", () => {
  test.each([
    ["no node address", { mode: "pod", nodeAddresses: "" }],
    ["two IPv4 addresses", { mode: "pod", nodeAddresses: "10.0.0.1,10.0.0.2" }],
    ["a name", { mode: "pod", nodeAddresses: "node.test" }],
    ["an address that would be a rule of its own", { mode: "pod", nodeAddresses: "10.0.0.1 accept #" }],
    ["a zone", { mode: "pod", nodeAddresses: "fe80::1%eth0" }],
    ["a node address where nothing may leave", { mode: "local", nodeAddresses: "10.0.0.1" }],
    ["an unknown mode", { mode: "open" }],
    ["a container without a uid", { mode: "pod", nodeAddresses: "10.0.0.1", containers: "shell" }],
    ["a container as root", { mode: "pod", nodeAddresses: "10.0.0.1", containers: "shell:0" }],
    ["a container whose name would be a rule of its own", { mode: "pod", nodeAddresses: "10.0.0.1", containers: 'a" accept:64100' }],
    ["two containers of one uid", { mode: "pod", nodeAddresses: "10.0.0.1", containers: "a:64100,b:64100" }],
    ["one container twice", { mode: "pod", nodeAddresses: "10.0.0.1", containers: "a:64100,a:64101" }],
    ["seventeen containers", { mode: "pod", nodeAddresses: "10.0.0.1", containers: Array.from({ length: 17 }, (_, index) => `c${index}:${64_100 + index}`).join(",") }],
    ["nothing but trust files, without a CA", { mode: "trust" }],
    ["trust files at a relative path", { mode: "trust", caPem: "x", trustDirectory: "trust" }],
  ])("refuses %s", (_name, config) => {
    expect(initConfig.safeParse(config).success).toBe(false);
  });
});

describe("reading back", () => {
  test("finds no difference in what was loaded, and reads the counters", () => {
    const loaded = readBack(JSON.stringify(listed(pod)), pod);
    expect(loaded.differences).toEqual([]);
    expect(loaded.counters.get("last_gate: leak")).toBe(3);
  });

  test.each<[string, (rules: { nftables: Record<string, unknown>[] }) => void, RegExp]>([
    ["a rule that is gone", (all) => { all.nftables.splice(all.nftables.findIndex((one) => "rule" in one), 1); }, /rule 1/],
    ["a rule put before the others", (all) => { all.nftables.push({ rule: { chain: "forwarding", comment: "open", expr: [{ accept: null }] } }); }, /"open: always accept"/],
    ["a policy that accepts", (all) => {
      const text = JSON.stringify(all).replace('"hook":"output","prio":0,"policy":"drop"', '"hook":"output","prio":0,"policy":"accept"');
      all.nftables = (JSON.parse(text) as typeof all).nftables;
    }, /filter output 0 accept/],
    ["a chain of somebody else", (all) => { all.nftables.push({ chain: { name: "evil", type: "filter", hook: "output", prio: -400, policy: "accept" } }); }, /evil is not ours/],
    ["another redirect port", (all) => {
      const text = JSON.stringify(all).replaceAll('"port":15001', '"port":15002');
      all.nftables = (JSON.parse(text) as typeof all).nftables;
    }, /redirect 15002/],
    ["another user", (all) => {
      const text = JSON.stringify(all).replace('"right":64100', '"right":64199');
      all.nftables = (JSON.parse(text) as typeof all).nftables;
    }, /if uid 64199 redirect 15054", not .*if uid 64100/],
    ["a refusal that lost its condition's rule", (all) => { all.nftables = all.nftables.filter((one) => (one["rule"] as { comment?: string } | undefined)?.comment !== "leak"); }, /last_gate/],
  ])("tells %s", (_name, spoil, reason) => {
    const all = listed(podWithContainer);
    const before = readBack(JSON.stringify(all), podWithContainer).fingerprint;
    spoil(all);
    const loaded = readBack(JSON.stringify(all), podWithContainer);
    expect(loaded.differences.join("\n")).toMatch(reason);
    expect(loaded.fingerprint).not.toBe(before);
  });

  test("gives the same fingerprint whatever the counters say", () => {
    const text = JSON.stringify(listed(local));
    expect(readBack(text.replaceAll('"packets":3', '"packets":77'), local).fingerprint).toBe(readBack(text, local).fingerprint);
  });
});
