import { describe, expect, test } from "vitest";
import { SIDECAR_UID } from "../../common/labels.ts";
import { SIDECAR_NODE_FLAGS } from "../../common/sidecar-flags.ts";
import { IMAGES } from "../../scripts/images/contents.ts";
import { read } from "./repository.ts";

/** The lines of one stage of the Dockerfile. */
function stage(name: string): string {
  return read("Dockerfile").split(/^FROM /m).find((part) => part.split("\n", 1)[0]?.endsWith(` AS ${name}`)) ?? "";
}

function entrypoint(name: string): string[] {
  return JSON.parse(/^ENTRYPOINT (.+)$/m.exec(stage(name))?.[1] ?? "[]") as string[];
}

describe("the Dockerfile", () => {
  test.each(IMAGES)("has a stage for %s that takes its folder and starts its program", (name) => {
    expect(stage(name)).toContain(`FROM runtime AS ${name}`.slice("FROM ".length));
    expect(stage(name)).toContain(`COPY --from=build /out/${name}/ /`);
    expect(entrypoint(name).at(-1)).toMatch(new RegExp(`^/app/${name}\\.[cm]js$`));
  });

  test("starts the sidecar as everything else does, by the same flags and under its uid", () => {
    expect(entrypoint("sidecar").slice(1, -1)).toEqual([...SIDECAR_NODE_FLAGS]);
    expect(stage("sidecar")).toContain(`USER ${SIDECAR_UID}:${SIDECAR_UID}`);
  });

  test("lets only init be root", () => {
    const users = IMAGES.map((name) => [name, /^USER (\d+):/m.exec(stage(name))?.[1]]);
    expect(users.filter(([, uid]) => uid === undefined || uid === "0")).toEqual([["init", "0"]]);
  });

  test("ships nothing of a distribution: the images begin from nothing", () => {
    expect(stage("runtime")).toMatch(/^scratch AS runtime/);
  });
});
