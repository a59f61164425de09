/**
 * The system calls that the agent may not make, as a classic BPF program for `bwrap --seccomp` (linux/filter.h, linux/seccomp.h).
 * It closes ways out that packet rules do not see, and doors into the kernel that an agent has no use for; everything else is allowed.
 */
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const ERRNO = 0x0005_0000;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

/** Opcodes: load a word of seccomp_data, jump if equal, jump if any bit is set, return. */
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_SET = 0x45;
const RETURN = 0x06;

/** Offsets in struct seccomp_data; of an argument only the low half counts, as the kernel reads these as 32-bit values. */
const NUMBER_AT = 0;
const ARCH_AT = 4;
const argumentAt = (index: number) => 16 + 8 * index;

const AF = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;

/** Bit that SOCK_DGRAM (2) and SOCK_RAW (3, for AF_UNIX the same) have, and neither SOCK_STREAM (1), SOCK_SEQPACKET (5) nor a flag. */
const DATAGRAM_BIT = 2;

/** ioctl requests that put characters into the input of the terminal, and so into the user's shell. */
const TERMINAL_INJECTION = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

interface Architecture {
  /** AUDIT_ARCH_* (linux/audit.h). */
  readonly audit: number;
  readonly socket: number;
  readonly socketPair: number;
  readonly ioctl: number;
  /** Kernel keyrings are shared by all processes of the user; the others have been ways into the kernel too often. */
  readonly refused: readonly number[];
}

/** The three io_uring calls have the same numbers everywhere. Through them a program could make sockets that the filter does not see. */
const IO_URING = [425, 426, 427];

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000_003e, socket: 41, socketPair: 53, ioctl: 16,
    refused: [248 /* add_key */, 249 /* request_key */, 250 /* keyctl */, 298 /* perf_event_open */, 321 /* bpf */, 323 /* userfaultfd */],
  },
  arm64: { audit: 0xc000_00b7, socket: 198, socketPair: 199, ioctl: 29, refused: [217, 218, 219, 241, 280, 282] },
};

/** System calls of the x32 ABI carry this bit and would be others by number. */
const X32_BIT = 0x4000_0000;

/**
 * The program for one processor.
 * @param architecture as `process.arch` says it
 * @param unixSockets `deny` refuses AF_UNIX sockets too. Pairs of streams stay: they lead nowhere; one of datagrams could send to any path
 * @throws RangeError for a processor that this file does not know: without the filter no agent may start
 */
export function seccompProgram(architecture: string, unixSockets: "private" | "deny"): Buffer {
  const known = ARCHITECTURES[architecture];
  if (known === undefined) throw new RangeError(`no system call filter for ${architecture}`);
  const families = [AF.inet, AF.inet6, AF.netlink, ...(unixSockets === "private" ? [AF.unix] : [])];
  return Buffer.concat([
    load(ARCH_AT),
    // Another ABI has other numbers, and some (i386) one call for everything about sockets: its programs end.
    jump(JUMP_EQUAL, known.audit, 1, 0), give(KILL_PROCESS),
    load(NUMBER_AT),
    jump(JUMP_SET, X32_BIT, 0, 1), give(ERRNO | ENOSYS),
    ...IO_URING.map((number) => refuse(number, ENOSYS)),
    ...known.refused.map((number) => refuse(number, EPERM)),
    // AF_VSOCK reaches the hypervisor, AF_PACKET the wire: neither passes a packet rule.
    onlyWithArgument(known.socket, 0, families, EAFNOSUPPORT),
    ...(unixSockets === "deny" ? [neverWithBit(known.socketPair, 1, DATAGRAM_BIT, EAFNOSUPPORT)] : []),
    neverWithArgument(known.ioctl, 1, TERMINAL_INJECTION, EPERM),
    give(ALLOW),
  ]);
}

/** Expects the number of the call in the accumulator, and leaves it there. */
function refuse(number: number, errno: number): Buffer {
  return Buffer.concat([jump(JUMP_EQUAL, number, 0, 1), give(ERRNO | errno)]);
}

function onlyWithArgument(number: number, index: number, allowed: readonly number[], errno: number): Buffer {
  const tests = allowed.map((value, at) => jump(JUMP_EQUAL, value, allowed.length - at, 0));
  return forCall(number, [load(argumentAt(index)), ...tests, give(ERRNO | errno), give(ALLOW)]);
}

function neverWithArgument(number: number, index: number, refused: readonly number[], errno: number): Buffer {
  const tests = refused.map((value, at) => jump(JUMP_EQUAL, value, refused.length - at, 0));
  return forCall(number, [load(argumentAt(index)), ...tests, give(ALLOW), give(ERRNO | errno)]);
}

function neverWithBit(number: number, index: number, bit: number, errno: number): Buffer {
  return forCall(number, [load(argumentAt(index)), jump(JUMP_SET, bit, 0, 1), give(ERRNO | errno), give(ALLOW)]);
}

/** A block for one call; it overwrites the accumulator, and therefore always ends in a return. */
function forCall(number: number, block: readonly Buffer[]): Buffer {
  return Buffer.concat([jump(JUMP_EQUAL, number, 0, block.length), ...block]);
}

function load(offset: number): Buffer {
  return instruction(LOAD, offset);
}

function give(verdict: number): Buffer {
  return instruction(RETURN, verdict >>> 0);
}

/** @param ifTrue how many instructions to skip; the same for `ifFalse` */
function jump(code: number, value: number, ifTrue: number, ifFalse: number): Buffer {
  const bytes = instruction(code, value);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  return bytes;
}

/** struct sock_filter: 16-bit code, two 8-bit jumps, 32-bit value; both processors are little-endian. */
function instruction(code: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
