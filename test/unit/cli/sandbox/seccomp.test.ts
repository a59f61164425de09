import { describe, expect, test } from "vitest";
import { seccompProgram } from "../../../../cli/sandbox/seccomp.ts";

const ALLOW = "allow";
const NUMBERS = {
  x64: { audit: 0xc000_003e, read: 0, socket: 41, ioctl: 16, socketpair: 53, connect: 42, keyctl: 250, addKey: 248, bpf: 321, userfaultfd: 323 },
  arm64: { audit: 0xc000_00b7, read: 63, socket: 198, ioctl: 29, socketpair: 199, connect: 203, keyctl: 219, addKey: 217, bpf: 280, userfaultfd: 282 },
} as const;
const AF = { UNIX: 1, INET: 2, X25: 9, INET6: 10, NETLINK: 16, PACKET: 17, BLUETOOTH: 31, ALG: 38, VSOCK: 40, XDP: 44 };

interface Call {
  readonly arch: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

/** A classic BPF machine with the four instructions that the kernel's own checker would see in such a program (linux/filter.h). */
function verdict(program: Buffer, { arch, number, args = [] }: Call): string {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(arch, 4);
  args.forEach((value, index) => data.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; at * 8 < program.byteLength; at += 1) {
    const [code, ifTrue, ifFalse, value] = [program.readUInt16LE(at * 8), program.readUInt8(at * 8 + 2), program.readUInt8(at * 8 + 3), program.readUInt32LE(at * 8 + 4)];
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x15) at += accumulator === value ? ifTrue : ifFalse;
    else if (code === 0x45) at += (accumulator & value) !== 0 ? ifTrue : ifFalse;
    else if (code === 0x06) return describeReturn(value);
    else throw new Error(`opcode ${code} is not one of ours`);
  }
  throw new Error("the program runs off its end: the kernel would refuse it");
}

function describeReturn(value: number): string {
  if (value === 0x7fff_0000) return ALLOW;
  if (value === 0x8000_0000) return "kill";
  return `errno ${value & 0xffff}`;
}

describe.each(["x64", "arm64"] as const)("system call filter on %s", (architecture) => {
  const numbers = NUMBERS[architecture];
  const program = seccompProgram(architecture, "private");
  const ask = (number: number, ...args: bigint[]) => verdict(program, { arch: numbers.audit, number, args });

  test("allows what programs do all day", () => {
    expect(ask(numbers.read, 0n)).toBe(ALLOW);
    expect(ask(numbers.connect, 3n)).toBe(ALLOW);
    expect(ask(numbers.socketpair, BigInt(AF.UNIX))).toBe(ALLOW);
    expect(ask(numbers.ioctl, 0n, 0x5401n)).toBe(ALLOW);
  });

  test.each(Object.entries(AF))("opens a socket of family %s only if packet rules or mounts govern it", (name, family) => {
    const governed = ["UNIX", "INET", "INET6", "NETLINK"].includes(name);
    expect(ask(numbers.socket, BigInt(family), 1n)).toBe(governed ? ALLOW : "errno 97");
  });

  test("looks at the half of an argument that the kernel looks at", () => {
    expect(ask(numbers.socket, (1n << 32n) | BigInt(AF.VSOCK))).toBe("errno 97");
    expect(ask(numbers.ioctl, 0n, (0xdeadn << 32n) | 0x5412n)).toBe("errno 1");
  });

  test("refuses to type into the user's terminal", () => {
    expect(ask(numbers.ioctl, 0n, 0x5412n)).toBe("errno 1");
    expect(ask(numbers.ioctl, 0n, 0x541cn)).toBe("errno 1");
  });

  test("has no io_uring, keyring, BPF or userfaultfd", () => {
    for (const number of [425, 426, 427]) expect(ask(number)).toBe("errno 38");
    for (const number of [numbers.keyctl, numbers.addKey, numbers.bpf, numbers.userfaultfd]) expect(ask(number)).toBe("errno 1");
  });

  test("ends a program of another ABI, and knows no x32", () => {
    expect(verdict(program, { arch: 0x4000_0003, number: 102 })).toBe("kill");
    expect(ask(0x4000_0000 + numbers.socket, BigInt(AF.VSOCK))).toBe("errno 38");
  });

  test("refuses Unix sockets too when they are denied, and then still allows pairs", () => {
    const strict = seccompProgram(architecture, "deny");
    expect(verdict(strict, { arch: numbers.audit, number: numbers.socket, args: [BigInt(AF.UNIX)] })).toBe("errno 97");
    expect(verdict(strict, { arch: numbers.audit, number: numbers.socket, args: [BigInt(AF.INET)] })).toBe(ALLOW);
    expect(verdict(strict, { arch: numbers.audit, number: numbers.socketpair, args: [BigInt(AF.UNIX), 1n] })).toBe(ALLOW);
  });

  test.each([["SOCK_STREAM", 1n, true], ["SOCK_SEQPACKET", 5n, true], ["SOCK_DGRAM", 2n, false], ["SOCK_RAW", 3n, false]])("when they are denied, a pair of %s is made only if it cannot be turned to a path", (_name, type, leadsNowhere) => {
    const strict = seccompProgram(architecture, "deny");
    const flags = 0x80800n; // SOCK_CLOEXEC and SOCK_NONBLOCK
    for (const given of [type, type | flags]) expect(verdict(strict, { arch: numbers.audit, number: numbers.socketpair, args: [BigInt(AF.UNIX), given] })).toBe(leadsNowhere ? ALLOW : "errno 97");
    expect(ask(numbers.socketpair, BigInt(AF.UNIX), type)).toBe(ALLOW);
  });
});

test("there is no filter for an unknown processor, and so no sandbox", () => {
  expect(() => seccompProgram("riscv64", "private")).toThrow(/riscv64/);
});
