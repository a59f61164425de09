import { describe, expect, test } from "vitest";
import { openAddressGuard } from "../../../../proxy/upstream/address-guard.ts";

/** `recommendedV1` of microsoft/AntiSSRF, as its table lists it: rows S01 to S35. */
const RANGES = [
  "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
  "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
  "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "::/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
  "100:0:0:1::/64", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
  "fec0::/10", "ff00::/8",
];

interface Block { readonly bits: 32 | 128; readonly first: bigint; readonly last: bigint }

/** An arithmetic of its own, so that the guard is not checked by the library that it uses. */
function toNumber(text: string): { bits: 32 | 128; value: bigint } {
  if (!text.includes(":")) return { bits: 32, value: text.split(".").reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) };
  const [head = "", tail] = text.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
  return { bits: 128, value: all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n) };
}

function toText(bits: 32 | 128, value: bigint): string {
  const width = bits === 32 ? 8n : 16n;
  const count = bits === 32 ? 4 : 8;
  const parts = Array.from({ length: count }, (_, index) => (value >> (width * BigInt(count - 1 - index))) & ((1n << width) - 1n));
  return bits === 32 ? parts.join(".") : parts.map((part) => part.toString(16)).join(":");
}

function blockOf(cidr: string): Block {
  const [base = "", prefix] = cidr.split("/");
  const { bits, value } = toNumber(base);
  return { bits, first: value, last: value + (1n << BigInt(bits - Number(prefix))) - 1n };
}

const BLOCKS = RANGES.map(blockOf);
const inUnion = (bits: 32 | 128, value: bigint): boolean => BLOCKS.some((block) => block.bits === bits && block.first <= value && value <= block.last);

/** The union of all ranges, and IPv4-compatible addresses by the IPv4 address that they carry (`::2` carries 0.0.0.2). */
const mustBeDenied = (bits: 32 | 128, value: bigint): boolean => inUnion(bits, value) || (bits === 128 && value < 1n << 32n && inUnion(32, value));

const ROWS = RANGES.flatMap((range, index) => {
  const { bits, first, last } = BLOCKS[index]!;
  const top = (1n << BigInt(bits)) - 1n;
  return ([["first", first], ["last", last], ["before", first - 1n], ["after", last + 1n]] as const)
    // A neighbour outside the address space does not exist; the edge itself stands in for it.
    .map(([which, value]) => ({ range, which, bits, value: value < 0n ? first : value > top ? last : value }));
});

const guard = openAddressGuard({ allowAddresses: [], clusterCidrs: [], ownAddresses: () => [] });

describe("addresses at the edges of the special ranges", () => {
  test("are 140", () => {
    expect(ROWS).toHaveLength(140);
  });

  test.each(ROWS.map((row) => ({ ...row, address: toText(row.bits, row.value) })))("$address, $which of $range, is judged by the union of all ranges", ({ bits, value, address }) => {
    expect(guard(address) !== null).toBe(mustBeDenied(bits, value));
  });
});

describe("public addresses", () => {
  test.each(["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "::ffff:8.8.8.8"])("%s may be dialled", (address) => {
    expect(guard(address)).toBeNull();
  });
});

describe("metadata services", () => {
  test.each(["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"])("%s stays closed even if its range is allowed", (address) => {
    const open = openAddressGuard({ allowAddresses: ["0.0.0.0/0", "::/0"], clusterCidrs: [], ownAddresses: () => [] });
    expect(open(address)).toBe("metadata");
  });
});

describe("IPv4 addresses inside IPv6 addresses", () => {
  test.each([
    ["mapped", "::ffff:10.0.0.1"], ["mapped, in hexadecimal", "::ffff:a9fe:a9fe"], ["compatible", "::10.0.0.1"], ["translated", "::ffff:0:10.0.0.1"],
    ["6to4", "2002:a00:1::1"], ["NAT64", "64:ff9b::a9fe:a9fe"], ["NAT64, local prefix", "64:ff9b:1::a00:1"], ["Teredo", "2001:0:a00:1::1"],
    ["ISATAP in a public prefix", "2a00:1450:4001:80b:0:5efe:10.0.0.1"], ["ISATAP with the universal bit", "2a00:1450:4001:80b:200:5efe:127.0.0.1"],
  ])("are seen: %s", (_, address) => {
    expect(guard(address)).not.toBeNull();
  });

  test("are judged even where the translator's prefix is allowed", () => {
    const translated = openAddressGuard({ allowAddresses: ["64:ff9b::/96"], clusterCidrs: [], ownAddresses: () => [] });
    expect(translated("64:ff9b::808:808")).toBeNull();
    expect(translated("64:ff9b::a00:1")).toBe("carries IPv4 private");
  });

  test.each([["::34.118.0.1", "::2276:1"], ["::ffff:34.118.0.1", "::ffff:2276:1"]])("are judged alike in both writings, %s and %s, and not as another form", (dotted, plain) => {
    const place = plain.replace("2276:1", "2276:0");
    const [other] = ["::2276:0", "::ffff:2276:0"].filter((one) => one !== place);
    for (const writing of [`${place}/112`, `${dotted}/112`]) {
      const closed = openAddressGuard({ allowAddresses: [], clusterCidrs: [writing], ownAddresses: () => [] });
      expect([closed(dotted), closed(plain)]).toEqual(["cluster", "cluster"]);
    }
    const elsewhere = openAddressGuard({ allowAddresses: [], clusterCidrs: [`${other}/112`], ownAddresses: () => [] });
    expect([elsewhere(dotted), elsewhere(plain)]).toEqual([null, null]);
  });

  test.each(["::127.0.0.1", "::7f00:1", "::169.254.169.254", "::a9fe:a9fe", "::0.0.0.1", "0:0:0:0:0:0:10.0.0.1"])("are never reached as %s", (address) => {
    const open = openAddressGuard({ allowAddresses: ["::/0"], clusterCidrs: [], ownAddresses: () => [] });
    expect(open(address)).not.toBeNull();
  });

  test("do no harm if they are public", () => {
    expect(guard("2a00:1450:4001:80b:0:5efe:8.8.8.8")).toBeNull();
    expect(guard("::ffff:8.8.8.8")).toBeNull();
  });
});

describe("configuration", () => {
  test("opens a private range that is named, and nothing beside it", () => {
    const open = openAddressGuard({ allowAddresses: ["10.1.0.0/16"], clusterCidrs: [], ownAddresses: () => [] });
    expect(open("10.1.2.3")).toBeNull();
    expect(open("10.2.0.1")).toBe("private");
    expect(open("::ffff:10.1.2.3")).toBeNull();
    expect(open("::ffff:10.2.0.1")).toBe("carries IPv4 private");
  });

  test.each(["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1"])("never opens %s", (address) => {
    const open = openAddressGuard({ allowAddresses: ["0.0.0.0/0", "::/0"], clusterCidrs: [], ownAddresses: () => [] });
    expect(open(address)).not.toBeNull();
  });

  test("closes the ranges of the cluster, public ones too", () => {
    const inCluster = openAddressGuard({ allowAddresses: [], clusterCidrs: ["34.118.0.0/16"], ownAddresses: () => [] });
    expect(inCluster("34.118.224.1")).toBe("cluster");
    expect(inCluster("34.119.0.1")).toBeNull();
  });

  test("never opens an address of the proxy's own machine, in any spelling", () => {
    const open = openAddressGuard({ allowAddresses: ["10.0.0.0/8", "2a00::/16"], clusterCidrs: [], ownAddresses: () => ["10.0.0.7", "2a00:0:0::7", "fe80::1%eth0"] });
    expect(open("10.0.0.7")).toBe("own address");
    expect(open("2a00::7")).toBe("own address");
    expect(open("::ffff:10.0.0.7")).toBe("carries IPv4 own address");
    expect(open("10.0.0.8")).toBeNull();
  });
});

describe("what is not an address", () => {
  test.each(["", "api.example.test", "1.2.3", "0x7f.1", "2130706433", "127.0.0.1 ", "fe80::1%eth0", "::1\0", "1.2.3.4/32"])("%j is refused", (text) => {
    expect(guard(text)).toBe("not an address");
  });
});
