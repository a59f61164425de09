import { describe, expect, test } from "vitest";
import { documents, filesUnder, PRODUCT, read, ROOT } from "./repository.ts";

const STAGE_FOLDERS = ["proxy/connection", "proxy/exchange", "proxy/dns"];

describe("files", () => {
  test("are named in kebab case", () => {
    const folders = [...PRODUCT, "scripts", "bench", "demo", "test", "tools"];
    const odd = folders.flatMap((folder) => filesUnder(folder, ".ts")).filter((path) => !/^[a-z0-9/-]+(\.test)?\.ts$/.test(path));
    expect(odd).toEqual([]);
  });

  test("are never called utils, helpers, managers or misc", () => {
    const vague = PRODUCT.flatMap((folder) => filesUnder(folder, ".ts")).filter((path) => /(^|[/-])(utils?|helpers?|managers?|misc|common)([/.-]|$)/.test(path.replace(/^common\//, "")));
    expect(vague).toEqual([]);
  });

  test("of a stage say what goes in, what comes out and how it ends early", () => {
    const stages = STAGE_FOLDERS.flatMap((folder) => filesUnder(folder, ".ts")).filter((path) => /^\s*\* in: /m.test(read(path)));
    const incomplete = stages.filter((path) => !/\* in: .+ · out: .+ · .*(ends|never) .+/.test(read(path)));
    expect(incomplete).toEqual([]);
  });

  test("do not depend on where the checkout is", () => {
    const paths = [...documents(), ...[...PRODUCT, "scripts", "bench", "demo", "test", "policies"].flatMap((folder) => filesUnder(folder, ""))];
    expect(paths.filter((path) => read(path).includes(ROOT))).toEqual([]);
  });
});
