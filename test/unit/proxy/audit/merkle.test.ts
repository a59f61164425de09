import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MerkleTree } from "../../../../proxy/audit/merkle.ts";

const entry = (text: string) => hash("sha256", text, "hex");

/** MTH as RFC 9162 §2.1.1 writes it, recursion and all. */
function treeHash(entries: readonly string[]): Buffer {
  if (entries.length === 0) return hash("sha256", "", "buffer");
  if (entries.length === 1) return hash("sha256", Buffer.concat([Buffer.of(0), Buffer.from(entries[0]!, "hex")]), "buffer");
  let split = 1;
  while (split * 2 < entries.length) split *= 2;
  return hash("sha256", Buffer.concat([Buffer.of(1), treeHash(entries.slice(0, split)), treeHash(entries.slice(split))]), "buffer");
}

function treeOf(entries: readonly string[]): MerkleTree {
  const tree = new MerkleTree();
  for (const item of entries) tree.append(item);
  return tree;
}

/** The test tree that RFC 6962 and RFC 9162 implementations share: inputs of the leaves, and the root of the first n of them. */
const INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/** Peaks of the tree over these inputs. Our own leaves are always 32 bytes, so inputs of other lengths enter as peaks. */
function peaksOf(inputs: readonly string[]): string[] {
  if (inputs.length === 0) return [];
  let size = 1;
  while (size * 2 <= inputs.length) size *= 2;
  return [treeHash(inputs.slice(0, size)).toString("hex"), ...peaksOf(inputs.slice(size))];
}

describe("MerkleTree", () => {
  test("an empty tree has the hash of nothing as its root", () => {
    expect(new MerkleTree().root()).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("roots are those of the recursion in RFC 9162, for every size up to 130", () => {
    const entries = Array.from({ length: 130 }, (_, at) => entry(`${at}`));
    for (let size = 1; size <= entries.length; size += 1) {
      expect(treeOf(entries.slice(0, size)).root()).toBe(treeHash(entries.slice(0, size)).toString("hex"));
    }
  });

  test.each(ROOTS.map((root, at) => [at + 1, root] as const))("the shared test tree of %i leaves has the root that all implementations give", (size, root) => {
    expect(treeHash(INPUTS.slice(0, size)).toString("hex")).toBe(root);
    expect(MerkleTree.restore(size, peaksOf(INPUTS.slice(0, size))).root()).toBe(root);
  });

  test("a tree that is restored from its peaks grows like the original", () => {
    fc.assert(fc.property(fc.nat(200), fc.nat(50), (before, after) => {
      const first = Array.from({ length: before }, (_, at) => entry(`a${at}`));
      const second = Array.from({ length: after }, (_, at) => entry(`b${at}`));
      const restored = MerkleTree.restore(before, treeOf(first).peaks());
      for (const item of second) restored.append(item);
      expect(restored.root()).toBe(treeOf([...first, ...second]).root());
    }), { numRuns: 50 });
  });

  test("a copy does not follow its original", () => {
    const tree = treeOf([entry("a")]);
    const copy = tree.copy();
    tree.append(entry("b"));
    expect(copy.size).toBe(1);
    expect(copy.root()).not.toBe(tree.root());
  });

  test.each([[3, [entry("a")]], [1, ["not hex"]], [0, [entry("a")]]])("peaks that do not fit a tree of %i are refused", (size, peaks) => {
    expect(() => MerkleTree.restore(size, peaks)).toThrow(RangeError);
  });
});
