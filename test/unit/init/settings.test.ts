import { expect, test } from "vitest";
import * as z from "zod";
import { readSettings } from "../../../init/settings.ts";

const settings = { schema: z.strictObject({ nodeName: z.string(), waitMs: z.int().default(5) }), program: "test", names: ["nodeName", "waitMs"], numeric: new Set(["waitMs"]) };

test("a setting is a flag or a variable of the same name, and the flag wins", () => {
  expect(readSettings([], { WEIR_NODE_NAME: "a", WEIR_WAIT_MS: "7" }, settings)).toEqual({ nodeName: "a", waitMs: 7 });
  expect(readSettings(["--node-name", "b"], { WEIR_NODE_NAME: "a" }, settings)).toEqual({ nodeName: "b", waitMs: 5 });
});

test("an unknown flag is named with those that there are, and a wrong value with its setting", () => {
  expect(() => readSettings(["--node", "a"], {}, settings)).toThrow(expect.objectContaining({ exitCode: 78, hint: "Known flags: --node-name --wait-ms" }) as Error);
  expect(() => readSettings(["--wait-ms", "soon"], { WEIR_NODE_NAME: "a" }, settings)).toThrow(/waitMs/);
});
