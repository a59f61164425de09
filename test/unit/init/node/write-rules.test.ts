import { expect, test } from "vitest";
import { initConfig } from "../../../../init/config.ts";
import type { CapturedPod } from "../../../../init/node/read-pod.ts";
import { RuleWriter } from "../../../../init/node/write-rules.ts";

const never = new AbortController().signal;
const FACTS = { proxy: { addresses: ["10.79.96.7"], port: 15_008 }, hostAddresses: ["10.0.0.1"] };
const POD: CapturedPod = { uid: "u-1", namespace: "agents", name: "app", addresses: ["10.1.0.5"], inbound: "none", containers: [{ name: "shell", uid: 64_100 }] };
const PLACE = { file: "/run/netns/cni-1", inode: 7 };

/** The flags as init reads them. */
function settings(command: readonly string[]): object {
  const given = Object.fromEntries(command.slice(2).map((flag) => flag.replace(/^--/, "").split("=")).map(([name = "", value = ""]) => [name.replaceAll(/-[a-z]/g, (letter) => letter.slice(1).toUpperCase()), value]));
  return { ...given, proxyPort: Number(given["proxyPort"]), sidecarUid: Number(given["sidecarUid"]) };
}

test("init is run in the pod's namespace, told where it belongs, and what the kernel then holds is not taken on trust", async () => {
  const commands: { readonly file: string; readonly command: readonly string[] }[] = [];
  const writer = new RuleWriter(FACTS, async (file, command) => {
    commands.push({ file, command });
    return command[0] === "nft" ? JSON.stringify({ nftables: [] }) : "";
  });
  await expect(writer.write(POD, PLACE, never)).rejects.toThrow("chain capture is missing");
  const [init, nft] = commands;
  expect(init?.file).toBe(PLACE.file);
  expect(initConfig.parse(settings(init?.command ?? []))).toMatchObject({
    mode: "pod", nodeAddresses: ["10.79.96.7"], proxyPort: 15_008, sidecarUid: 64_000, inbound: "none", containers: [{ name: "shell", uid: 64_100 }],
    onlyAt: ["10.1.0.5"], neverAt: ["10.0.0.1"],
  });
  expect(nft).toEqual({ file: PLACE.file, command: ["nft", "-j", "list", "table", "inet", "weir"] });
});

test("rules that cannot be read are rules that are gone", async () => {
  const writer = new RuleWriter(FACTS, async () => { throw new Error("No such file or directory"); });
  expect(await writer.drift(POD, PLACE, "print", never)).toEqual(["No such file or directory"]);
  const stopped = AbortSignal.abort(new Error("stopping"));
  await expect(writer.drift(POD, PLACE, "print", stopped)).rejects.toThrow("stopping");
});
