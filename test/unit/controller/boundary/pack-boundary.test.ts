import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { packBoundary } from "../../../../controller/boundary/pack-boundary.ts";
import { A_GRANT, planOf, type World } from "../../../support/boundary-resources.ts";

const WASM = new Uint8Array([0, 97, 115, 109]);
const pack = async (world: World) => {
  const { cluster, set } = planOf(world);
  return packBoundary(cluster, set, WASM);
};
const WORLD = { agents: { "a/x": {} }, grants: { "a/github": A_GRANT } };

test("the same cluster gives the same bytes under the same revision", async () => {
  expect(await pack(WORLD)).toEqual(await pack(WORLD));
});

test("a change of grants alone gives another revision, and the same bundle", async () => {
  const [one, other] = [await pack(WORLD), await pack({ ...WORLD, grants: { "a/github": { ...A_GRANT, vault: { path: "b", key: "k" } } } })];
  expect(other.revision).not.toBe(one.revision);
  expect(other.bundleRevision).toBe(one.bundleRevision);
  expect(other.bundle.equals(one.bundle)).toBe(true);
});

test("a change of policy gives another bundle", async () => {
  const other = await pack({ ...WORLD, policies: { "a/web": { data: { hosts: [{ name: "x.test" }] } } } });
  expect(other.bundleRevision).not.toBe((await pack(WORLD)).bundleRevision);
});

test("the document says its own revision", async () => {
  const { set, revision } = await pack(WORLD);
  expect(JSON.parse(gunzipSync(set).toString())).toMatchObject({ revision, agents: { "a/x": {} } });
});
