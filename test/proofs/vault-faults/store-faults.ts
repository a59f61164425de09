import type { LeaseLab } from "../../support/lease-lab.ts";
import type { CredentialTruth } from "./credential-truth.ts";

/** Something that goes wrong with a store, and how it is mended. */
export interface StoreTrouble {
  readonly name: string;
  begin(lab: LeaseLab, truth: CredentialTruth): Promise<void>;
  /** Left out where the proxy has to mend it alone. */
  end?(lab: LeaseLab, truth: CredentialTruth): Promise<void>;
}

const clear = async (lab: LeaseLab) => { lab.front.fault = { kind: "none" }; };

function answers(status: number, retryAfterSeconds?: number): StoreTrouble {
  return {
    name: `answers ${status}${retryAfterSeconds === undefined ? "" : `, to come again after ${retryAfterSeconds} s`}`,
    begin: async (lab) => { lab.front.fault = { kind: "answer", status, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) }; },
    end: clear,
  };
}

const late = (byMs: number): StoreTrouble => ({ name: `${byMs} ms late`, begin: async (lab) => { lab.front.fault = { kind: "late", byMs }; }, end: clear });

export const TROUBLES: readonly StoreTrouble[] = [
  { name: "sealed", begin: async (lab) => lab.server.seal(), end: async (lab) => lab.server.unseal() },
  {
    name: "killed",
    begin: async (lab) => lab.server.kill(),
    end: async (lab) => {
      await lab.server.start();
      await lab.server.unseal();
    },
  },
  { name: "cut off", begin: async (lab) => { lab.front.fault = { kind: "reset" }; }, end: clear },
  late(300), late(5_000), answers(403), answers(404), answers(429), answers(429, 1), answers(500), answers(307),
  { name: "the secret changes", begin: async (lab, truth) => truth.rotate(lab) },
  { name: "the secret is deleted", begin: async (lab, truth) => truth.remove(lab), end: async (lab, truth) => truth.rotate(lab) },
  {
    name: "all leases are revoked",
    begin: async (lab, truth) => {
      truth.noteRevocation(await lab.users());
      await lab.server.call("PUT", "sys/leases/revoke-prefix/database/creds/stage");
    },
  },
];
