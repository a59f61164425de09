import * as z from "zod";

const image = z.string().min(1).max(1_024);

export const podsConfig = z.strictObject({
  initImage: image.describe("Image of the init container that writes the rules; by digest, or by a tag that never moves."),
  sidecarImage: image.describe("Image of the sidecar; by digest, or by a tag that never moves."),
  pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).default("IfNotPresent").describe("When nodes fetch these two images."),
  redirect: z.enum(["init", "node"]).default("init")
    .describe("Who writes the rules: an init container with NET_ADMIN in each pod, or the agent of the node, for which the sidecar waits."),
  tokenLifetimeSeconds: z.int().min(600).max(86_400).default(3_600).describe("Lifetime of identity tokens, in seconds; the kubelet renews them at four fifths of it."),
});
export type PodsConfig = z.output<typeof podsConfig>;
