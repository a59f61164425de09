const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full: free some space, or name another folder with `stateDirectory:` in weir.yaml.",
  EDQUOT: "Your quota is used up: free some space, or name another folder with `stateDirectory:` in weir.yaml.",
  EROFS: "The folder is read-only: name another with `stateDirectory:` in weir.yaml.",
  EMFILE: "Too many open files: raise the limit (`ulimit -n`).",
  ENFILE: "The machine has too many open files.",
};

/** What to do when the machine refuses a system call, which is no fault of the program; null for every other error. */
export function machineTrouble(error: unknown): string | null {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return null;
  const code = String(error.code);
  return Object.hasOwn(HINTS, code) ? HINTS[code] ?? null : null;
}
