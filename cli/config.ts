import * as z from "zod";
import { proxyConfig } from "../proxy/main.ts";

const label = z.string().min(1).max(253);

const agentConfig = z.strictObject({
  namespace: label.default("local").describe("Namespace that policy and audit see."),
  name: label.default("agent").describe("Name that policy and audit see; `--agent` overrides it."),
  labels: z.record(z.string().max(253), z.string().max(253)).default({}).describe("Labels that policy can match."),
});

const sandboxConfig = z.strictObject({
  unixSockets: z.enum(["private", "deny"]).default("private")
    .describe("`private` hides the host's Unix sockets; `deny` forbids the agent to open any Unix socket."),
  writable: z.array(z.string()).default([]).describe("Folders that the agent may write beside its working directory and home."),
  hide: z.array(z.string()).optional()
    .describe("Paths that do not exist for the agent; `~` is the home. Default: the well-known credential stores (~/.ssh, ~/.aws, …)."),
  pass: z.array(z.string()).default([]).describe("Names of environment variables that are passed although they look like a credential."),
});

/** `weir.yaml`: what the node proxy takes, and what one machine adds. */
export const weirConfig = z.strictObject({
  agent: agentConfig.prefault({}),
  sandbox: sandboxConfig.prefault({}),
  ...proxyConfig.shape,
});
export type WeirConfig = z.output<typeof weirConfig>;
