import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import koffi from "koffi";
import { describe, expect, test } from "vitest";
import { testOriginalDestination } from "../../../sidecar/original-destination.ts";
import { fileDescriptor } from "../../../sidecar/socket-internals.ts";
import { openSystemCalls, throughKoffi, type SystemCalls } from "../../../sidecar/system-calls.ts";

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_DOMAIN = 39;
const [AF_INET, SOCK_STREAM] = [2, 1];

/** Each way to the C library, so that a Node without the built-in one is tested on a Node that has it. */
const WAYS: readonly [string, () => Promise<SystemCalls>][] = [["the way of this Node", openSystemCalls], ["koffi", async () => throughKoffi(koffi)]];

describe.each(WAYS)("system calls by %s", (_name, open) => {
  test("read a socket option of an accepted connection, and null where the kernel refuses", async () => {
    const calls = await open();
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [accepted] = await once(server, "connection") as [Socket];
    try {
      expect(calls.getSocketOption(fileDescriptor(accepted), SOL_SOCKET, SO_DOMAIN, 4)?.readInt32LE()).toBe(AF_INET);
      expect(calls.getSocketOption(fileDescriptor(accepted), SOL_SOCKET, SO_TYPE, 4)?.readInt32LE()).toBe(SOCK_STREAM);
      expect(calls.getSocketOption(fileDescriptor(accepted), SOL_SOCKET, 9_999, 4)).toBeNull();
    } finally {
      accepted.destroy();
      client.destroy();
      server.close();
    }
  });

  test("pass the self-test, and give memory back without harm", async () => {
    const calls = await open();
    await testOriginalDestination(calls);
    calls.trimHeap();
  });
});

test("the self-test refuses calls that answer wrongly", async () => {
  const calls = await openSystemCalls();
  const broken = (getSocketOption: SystemCalls["getSocketOption"]) => testOriginalDestination({ ...calls, getSocketOption });
  await expect(broken(() => null)).rejects.toThrow(/does not work/);
  await expect(broken((fd, level, option, size) => (level === SOL_SOCKET ? calls.getSocketOption(fd, level, option, size) : Buffer.alloc(size)))).rejects.toThrow(/read wrongly/);
});
