import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { AnswerResult, ThreadApprovalView } from "../../common/approvals/views.ts";
import { approvalsAtDoors, decideAtDoors, revokeApprovalAtDoors, type DoorAnswer } from "../operator-doors.ts";
import type { ApprovalBook } from "./approval-book.ts";

const NOTHING_KEPT: KeptApprovals = { list: () => [], revoke: async () => false };
const UNKNOWN: AnswerResult = { result: "unknown", outcome: null, by: null, delivery: null };

/** Yeses for threads that are on the disk, where no proxy runs to be asked: they hold for the next one. */
export interface KeptApprovals {
  list(): readonly ThreadApprovalView[];
  /** Takes one back, on record. @returns whether it was there */
  revoke(id: string, reason: string): Promise<boolean>;
}

/** The proxies that run with a state directory: `weir up`, and each `weir run`. Who answers is whose directory it is. */
export function localApprovalBook(stateDirectory: string, kept: KeptApprovals = NOTHING_KEPT): ApprovalBook {
  return {
    place: "this machine",
    list: async () => {
      const said = await approvalsAtDoors(stateDirectory);
      const lists = said.flatMap(({ answer }) => answer ?? []);
      const [questions, allowed] = [lists.flatMap((list) => list.questions), lists.flatMap((list) => list.threads)];
      const threads = new Map([...kept.list(), ...known(allowed)].map((approval) => [approval.id, approval]));
      const unread = questions.length + allowed.length - known(questions).length - known(allowed).length;
      return {
        questions: known(questions).sort((a, b) => a.askedAtMs - b.askedAtMs), threads: [...threads.values()],
        troubles: [
          ...said.flatMap(({ proxy, trouble }) => (trouble === null ? [] : [`${proxy}: ${trouble}`])),
          ...(unread === 0 ? [] : [`${unread} entries of the list are not understood by this version of weir`]),
        ],
      };
    },
    decide: async (id, decision) => answersOf(await decideAtDoors(stateDirectory, id, decision)).find(({ result }) => result !== "unknown") ?? UNKNOWN,
    revoke: async (id, reason) => {
      const isRevoked = answersOf(await revokeApprovalAtDoors(stateDirectory, id, reason)).some(({ revoked }) => revoked);
      // One that a proxy has taken back is gone from the disk too.
      return isRevoked || await kept.revoke(id, reason);
    },
  };
}

/** Without what could not be understood. */
function known<T>(entries: readonly (T | null)[]): T[] {
  return entries.filter((entry) => entry !== null);
}

/** @throws UserError if one did not answer: it may have been the one that was meant */
function answersOf<T>(said: readonly DoorAnswer<T>[]): readonly T[] {
  const silent = said.find(({ trouble }) => trouble !== null);
  if (silent !== undefined) throw new UserError(`${silent.proxy}: ${silent.trouble ?? ""}`, "Try again; `weir approvals` shows what still waits.", EXIT.unavailable);
  return said.flatMap(({ answer }) => answer ?? []);
}
