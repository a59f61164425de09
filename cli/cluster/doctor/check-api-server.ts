import * as z from "zod";
import { describeError } from "../../../common/lifecycle.ts";
import type { Cluster } from "../cluster-connection.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

const NAME = "API server";
/** The oldest version whose admission policies say all that the chart's have to say. */
const LEAST = { major: 1, minor: 34 } as const;

const GROUP = "authentication.k8s.io/v1";

const version = z.looseObject({ gitVersion: z.string() });
const review = z.looseObject({
  status: z.looseObject({ userInfo: z.looseObject({ username: z.string().default("") }) }),
});

/** Whether there is a cluster at all: every other check needs this one. */
export const apiServerCheck: Check = { name: NAME, run: async (cluster) => [await reached(cluster), await signedIn(cluster)] };

async function reached({ api, server }: Cluster): Promise<ClusterFinding> {
  const { gitVersion } = version.parse(await api.read("/version"));
  const [, major = "0", minor = "0"] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  const isNew = Number(major) > LEAST.major || (Number(major) === LEAST.major && Number(minor) >= LEAST.minor);
  if (isNew) return finding.ok(NAME, `${gitVersion} at ${server}`);
  return finding.fail(NAME, `${gitVersion} at ${server}`, `Weir needs Kubernetes ${LEAST.major}.${LEAST.minor} or newer.`);
}

async function signedIn({ api }: Cluster): Promise<ClusterFinding> {
  try {
    const { status } = review.parse(await api.post(`/apis/${GROUP}/selfsubjectreviews`, { apiVersion: GROUP, kind: "SelfSubjectReview" }));
    return finding.ok("you", status.userInfo.username);
  } catch (error) {
    return finding.warn("you", `the API server does not say who you are: ${describeError(error)}`, "Checks that need more rights than you have say so.");
  }
}
