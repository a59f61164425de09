import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildImages, imageArchive } from "../../../scripts/build-images.ts";
import type { ImageName } from "../../../scripts/images/contents.ts";
import { openImage, type OpenImage } from "../../support/image-container.ts";

const canRun = process.getuid?.() === 0 && ["/usr/bin/buildah", "/usr/sbin/runc"].every((tool) => existsSync(tool));
if (!canRun) process.stderr.write("image tests: they need root, buildah and runc; skipped\n");

/** What each program says when it is started with nothing to go by. */
const ALONE: Readonly<Record<ImageName, { readonly exitCode: number; readonly says: RegExp }>> = {
  init: { exitCode: 78, says: /weir-init: init: 1 problem\n\s+mode: / },
  sidecar: { exitCode: 78, says: /--proxy: must be unix:\/path, host:port or \[host6\]:port/ },
  proxy: { exitCode: 78, says: /weir-proxy: cannot read \/etc\/weir\/proxy\.yaml: no such file/ },
  controller: { exitCode: 78, says: /weir-controller: cannot read \/etc\/weir\/controller\.yaml: no such file/ },
};

/** Its program is not in the tree yet; scripts/build.mjs looks at the same file. */

let built: readonly ImageName[] = [];
const open = new Map<ImageName, OpenImage>();

function image(name: ImageName): OpenImage {
  const opened = open.get(name) ?? openImage(imageArchive(name));
  open.set(name, opened);
  return opened;
}

describe.skipIf(!canRun)("images built without a registry", () => {
  beforeAll(async () => { built = await buildImages(() => undefined); });
  afterAll(() => { for (const opened of open.values()) opened.close(); });

  test("are those of the programs that there are", () => {
    expect(built).toEqual(["init", "sidecar", "proxy", "controller"]);
  });

  const programs = (Object.entries(ALONE) as [ImageName, (typeof ALONE)[ImageName]][]);
  test.each(programs)("%s starts on a read-only root without any right, and says what is missing", (name, { exitCode, says }) => {
    const run = image(name).run();
    expect(run.output).toMatch(says);
    expect(run.exitCode).toBe(exitCode);
  });

  test.each([["init", "0:0"], ["sidecar", "64000:64000"], ["proxy", "65532:65532"], ["controller", "65532:65532"]] as const)("%s runs as %s", (name, user) => {
    expect(image(name).config.User).toBe(user);
  });

  test("hold no shell and nothing that could be set to run as somebody else", () => {
    for (const name of built) {
      const files = readdirSync(image(name).root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      expect(files.map((entry) => entry.name).filter((file) => /^(sh|bash|dash|busybox|ash)$/.test(file)), name).toEqual([]);
      const special = files.filter((entry) => (statSync(join(entry.parentPath, entry.name)).mode & 0o6000) !== 0);
      expect(special.map((entry) => entry.name), name).toEqual([]);
    }
  });

  test("init's nft finds its libraries", () => {
    expect(image("init").run(["--version"], ["/usr/sbin/nft"])).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^nftables v/) });
  });

  test("init's image has the agent of a node, and what it enters namespaces by", () => {
    expect(image("init").run([], ["/usr/local/bin/node", "/app/redirect.mjs"])).toMatchObject({ exitCode: 78, output: expect.stringMatching(/weir-redirect: redirect: 2 problems\n\s+nodeName: [^]*hostAddresses: /) });
    expect(image("init").run(["--version"], ["/usr/bin/nsenter"])).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^nsenter from util-linux/) });
    expect(image("init").run(["-V"], ["/usr/sbin/ip"])).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^ip utility, iproute2/) });
  });

  test.each(programs.filter(([name]) => name === "controller"))("%s has an opa that compiles", (name) => {
    expect(image(name).run(["version"], ["/usr/local/bin/opa"])).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^Version: 1\./) });
  });
});
