import { INSTANCE_HEADER } from "../../common/labels.ts";
import { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { Loan } from "../model/loan.ts";

/**
 * The loan together with who asks. Made for each request and never kept with the loan: a loan is shared by all agents, and this is what tells
 * them apart. What the agent sends under this name is gone long before (proxy/exchange/header-rules.ts).
 * @throws EgressError `credential.unavailable` for an agent that is no pod's: the controller knows no other
 */
export function withInstance(loan: Loan, agent: AgentIdentity): Loan {
  const { namespace, pod, instance } = agent;
  if (pod === undefined) throw new EgressError("credential.unavailable", "the agent does not run in a pod");
  const [uid = "", container] = instance.split("/", 2);
  const text = JSON.stringify({ namespace, pod, uid, ...(container === undefined ? {} : { container }) });
  const header = [INSTANCE_HEADER, new Secret(Buffer.from(text).toString("base64url"))] as const;
  return { ...loan, headers: [...loan.headers, header], strip: [...loan.strip, INSTANCE_HEADER] };
}
