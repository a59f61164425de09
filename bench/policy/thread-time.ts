import koffi from "koffi";

/** clock_gettime(2) of Linux: the processor time of the calling thread. */
const THREAD_CPU_TIME = 3;

const clockGetTime = koffi.load(null).func("int clock_gettime(int clock, _Out_ int64_t *time)") as (clock: number, time: BigInt64Array) => number;
const time = new BigInt64Array(2);

/**
 * Processor time of this thread, in milliseconds, to the microsecond. What `process.threadCpuUsage` gives is counted by the ticks of the kernel, up to 4 ms: of a
 * decision that was interrupted it would say that it worked as long.
 */
export function threadTimeMs(): number {
  if (clockGetTime(THREAD_CPU_TIME, time) !== 0) throw new Error("this system does not tell the processor time of a thread");
  const [seconds = 0n, nanoseconds = 0n] = time;
  return Number(seconds) * 1_000 + Number(nanoseconds) / 1_000_000;
}
