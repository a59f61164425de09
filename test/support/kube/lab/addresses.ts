/**
 * Where everything of one lab is. Labs that run at once differ in their number; the second byte of all addresses follows from it.
 *
 * The node's own address lies on its loopback interface, as no pod network may take it away. `outside` is this machine as the node sees it:
 * a test's servers listen there. `world` is routed to it as well, and stands for the rest of the internet (TEST-NET-3, RFC 5737).
 */
export interface LabAddresses {
  readonly number: number;
  readonly node: string;
  readonly apiServerService: string;
  readonly pods: string;
  readonly services: string;
  /** All of the above. */
  readonly all: string;
  /** The node's end of the link to this machine. */
  readonly inside: string;
  readonly outside: string;
  readonly world: string;
  /** The network interface of this machine that is the lab's link. */
  readonly interfaceName: string;
  readonly cgroup: string;
}

/** Labs that one machine has addresses for. */
export const LABS_LIMIT = 8;
const FIRST_SECOND_BYTE = 79;

export function labAddresses(number: number): LabAddresses {
  const prefix = `10.${FIRST_SECOND_BYTE + number}`;
  return {
    number,
    node: `${prefix}.0.1`,
    apiServerService: `${prefix}.96.1`,
    pods: `${prefix}.1.0/24`,
    services: `${prefix}.96.0/24`,
    all: `${prefix}.0.0/16`,
    inside: `${prefix}.254.2`,
    outside: `${prefix}.254.1`,
    world: `203.0.113.${10 + number}`,
    interfaceName: `weirlab${number}`,
    cgroup: `weir-lab-${number}`,
  };
}
