import { expect, test } from "vitest";
import { READINGS } from "../../../../proxy/model/readings.ts";
import { policyInput } from "../../../../proxy/policy/input-schema.ts";

test("the policy input can report every reading, and hold what it read", () => {
  const { read, ...parts } = policyInput.shape;
  expect(Object.keys(read.unwrap().shape)).toEqual([...READINGS]);
  expect(Object.keys(parts)).toEqual(expect.arrayContaining([...READINGS]));
});
