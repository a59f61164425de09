import { describe, expect, test } from "vitest";
import { ERROR_TABLE } from "../../proxy/errors.ts";
import { filesUnder, read, withoutComments } from "./repository.ts";

describe("the error table", () => {
  test("is the same in proxy/errors.ts and ARCHITECTURE.md", () => {
    const rows = [...read("ARCHITECTURE.md").matchAll(/^\| `([a-z]+(?:[.-][a-z-]+)*)` \| (\d{3}) \| (denied|failed) \| (.+) \|$/gm)];
    const documented = rows.map(([, code, status, outcome, says]) => `${code} ${status} ${outcome} ${says}`);
    const actual = Object.entries(ERROR_TABLE).map(([code, entry]) => `${code} ${entry.status} ${entry.outcome} ${entry.says}`);
    expect(documented).toEqual(actual);
  });

  test("has no code that nothing uses", () => {
    const text = filesUnder("proxy", ".ts").filter((path) => path !== "proxy/errors.ts").map((path) => withoutComments(read(path))).join("\n");
    const unused = Object.keys(ERROR_TABLE).filter((code) => !text.includes(`"${code}"`) && code !== "internal");
    expect(unused).toEqual([]);
  });
});
