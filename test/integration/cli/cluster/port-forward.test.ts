import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openPortForward } from "../../../../cli/cluster/port-forward.ts";
import { readEnvironment } from "../../../../common/config.ts";
import { standInForKubectl, type KubectlStandIn, type KubectlTargets } from "../../../support/kube/kubectl-stand-in.ts";

const WISH = { namespace: "weir-system", target: "svc/weir-controller", port: 443 };
let server: Server;
let kubectl: KubectlStandIn | undefined;

beforeEach(async () => {
  server = createServer((socket) => { socket.end("hello"); }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  vi.unstubAllEnvs();
  kubectl?.remove();
  server.close();
});

function withKubectl(targets: KubectlTargets): void {
  kubectl = standInForKubectl(targets);
  vi.stubEnv("PATH", `${kubectl.folder}:${readEnvironment()["PATH"] ?? ""}`);
}

describe("a forwarded port", () => {
  test("leads to the service until it is closed", async () => {
    withKubectl({ port: (server.address() as AddressInfo).port });
    const forward = await openPortForward(WISH);
    expect(await heard(forward.port)).toBe("hello");
    forward.close();
    await expect.poll(async () => heard(forward.port).catch(() => "closed")).toBe("closed");
  });

  test("is not there without kubectl, or where kubectl finds nothing, in words that help", async () => {
    vi.stubEnv("PATH", "/nowhere");
    await expect(openPortForward(WISH)).rejects.toMatchObject({ message: "there is no kubectl on PATH to reach the controller with", hint: expect.stringContaining("--server"), exitCode: 69 });
    withKubectl({});
    await expect(openPortForward(WISH)).rejects.toMatchObject({ message: expect.stringMatching(/cannot reach svc\/weir-controller in namespace weir-system: .*"weir-controller" not found/) });
  });
});

async function heard(port: number): Promise<string> {
  const { connect } = await import("node:net");
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
