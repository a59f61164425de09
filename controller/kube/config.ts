import * as z from "zod";

const milliseconds = (least: number, most: number) => z.number().int().min(least).max(most);

export const leaderConfig = z.strictObject({
  leaseName: z.string().min(1).max(253).default("weir-controller").describe("Name of the Lease, in the installation's namespace, that the leader holds."),
  leaseDurationMs: milliseconds(1_000, 600_000).multipleOf(1_000, "must be whole seconds, as the Lease's field is").default(15_000)
    .describe("A leader that has not renewed for so long is replaced, in milliseconds."),
  renewDeadlineMs: milliseconds(500, 600_000).default(10_000).describe("A leader that could not renew for so long stops its work, in milliseconds; below leaseDurationMs."),
  retryPeriodMs: milliseconds(100, 60_000).default(2_000).describe("Pause between two renewals, and between two looks at another's Lease, in milliseconds."),
});
export type LeaderConfig = z.output<typeof leaderConfig>;

export const eventsConfig = z.strictObject({
  windowMs: milliseconds(1_000, 86_400_000).default(600_000).describe("The same reason for the same object is one Event for so long, with a count, in milliseconds."),
  countsPauseMs: milliseconds(1_000, 3_600_000).default(60_000).describe("Pause between two updates of the counts, in milliseconds."),
  perSecond: z.number().positive().max(1_000).default(5).describe("Most writes of Events per second, in the long run."),
  burst: z.number().int().min(1).max(10_000).default(50).describe("Most writes of Events at once."),
});
export type EventsConfig = z.output<typeof eventsConfig>;

export const kubeConfig = z.strictObject({
  kubeconfigFile: z.string().min(1).optional().describe("Path of a kubeconfig. Without it, the controller is a pod and uses its own service account."),
  context: z.string().min(1).optional().describe("Context of the kubeconfig, if not its current one."),
  readTimeoutMs: milliseconds(1_000, 600_000).default(30_000).describe("Longest wait for an answer to a read, or for a page of a list, in milliseconds."),
  writeTimeoutMs: milliseconds(100, 600_000).default(4_000)
    .describe("Longest time that a write may take, in milliseconds: after it, neither the controller nor the API server goes on with it."),
  silentWatchMs: milliseconds(1_000, 600_000).default(90_000).describe("A watch on which nothing arrives for so long is opened anew, in milliseconds; bookmarks come about every minute."),
  leader: leaderConfig.prefault({}),
  events: eventsConfig.prefault({}),
}).superRefine(({ writeTimeoutMs, leader }, context) => {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = leader;
  const refuse = (path: readonly string[], message: string) => { context.addIssue({ code: "custom", path: [...path], message }); };
  if (renewDeadlineMs >= leaseDurationMs) refuse(["leader", "renewDeadlineMs"], "must be below leaseDurationMs");
  if (2 * retryPeriodMs > renewDeadlineMs) refuse(["leader", "retryPeriodMs"], "must leave room for two renewals within renewDeadlineMs");
  if (leaseDurationMs - 2 * writeTimeoutMs < 2 * retryPeriodMs) {
    refuse(["writeTimeoutMs"], "twice this and twice leader.retryPeriodMs must fit into leader.leaseDurationMs, so that no write outlives a lease");
  }
});
export type KubeConfig = z.output<typeof kubeConfig>;
