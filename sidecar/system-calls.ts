/** The two functions of the C library that Node does not offer. */
export interface SystemCalls {
  /** getsockopt(2). @returns the bytes that the kernel wrote, or null if it refused */
  getSocketOption(fd: number, level: number, option: number, sizeBytes: number): Buffer | null;
  /** malloc_trim(3): gives freed memory back to the system; nothing where the C library has no such function (musl). */
  trimHeap(): void;
}

/**
 * Node 26 carries an interface for foreign functions, Node 24 needs the package `koffi` for it; the built-in one saves 1.5 MB in each pod.
 * It is called experimental, which is why nothing trusts either before the self-test of original-destination.ts has passed.
 */
export async function openSystemCalls(): Promise<SystemCalls> {
  const builtIn = process.getBuiltinModule("node:ffi") as typeof import("node:ffi") | undefined;
  return builtIn === undefined ? throughKoffi(await import("koffi")) : throughNode(builtIn);
}

function throughNode(ffi: typeof import("node:ffi")): SystemCalls {
  const { functions } = ffi.dlopen(null, { getsockopt: { arguments: ["i32", "i32", "i32", "buffer", "buffer"], return: "i32" } });
  return {
    getSocketOption: (fd, level, option, sizeBytes) =>
      readOption((value, size) => functions.getsockopt(fd, level, option, value, size), sizeBytes),
    trimHeap: () => {
      try {
        ffi.dlopen(null, { malloc_trim: { arguments: ["u64"], return: "i32" } }).functions.malloc_trim(0n);
      } catch {
        // musl: its allocator gives memory back by itself.
      }
    },
  };
}

/** Exported so that the tests can hold both ways against each other on one Node. */
export function throughKoffi(koffi: Pick<typeof import("koffi"), "load">): SystemCalls {
  // The program itself rather than a file name, so that it is the same line for glibc and musl.
  const library = koffi.load(null);
  const getsockopt = library.func("int getsockopt(int, int, int, void *, void *)");
  return {
    getSocketOption: (fd, level, option, sizeBytes) =>
      readOption((value, size) => getsockopt(fd, level, option, value, size) as number, sizeBytes),
    trimHeap: () => {
      try {
        library.func("int malloc_trim(size_t)")(0);
      } catch {
        // As above.
      }
    },
  };
}

function readOption(call: (value: Buffer, size: Buffer) => number, sizeBytes: number): Buffer | null {
  const value = Buffer.alloc(sizeBytes);
  const size = Buffer.alloc(4);
  new Uint32Array(size.buffer, size.byteOffset, 1)[0] = sizeBytes;
  if (call(value, size) !== 0) return null;
  return value.subarray(0, new Uint32Array(size.buffer, size.byteOffset, 1)[0]);
}
