import { EXIT, UserError } from "../../common/exit-codes.ts";

/**
 * Does all of several things that do not need each other, and tells the problems of all together.
 * @returns what each gave, in order
 * @throws the one UserError that there was, or one with the words of all; any other error at once
 */
export async function allOf<const T extends readonly (() => unknown)[]>(works: T): Promise<{ -readonly [Index in keyof T]: Awaited<ReturnType<T[Index]>> }> {
  const problems: UserError[] = [];
  const results: unknown[] = [];
  for (const work of works) {
    try {
      results.push(await work());
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error);
    }
  }
  const [first, ...more] = problems;
  if (first === undefined) return results as { -readonly [Index in keyof T]: Awaited<ReturnType<T[Index]>> };
  if (more.length === 0) throw first;
  // The same trouble may have kept several from their work.
  if (problems.every(({ message }) => message === first.message)) throw first;
  const hints = [...new Set(problems.map(({ hint }) => hint))];
  throw new UserError(problems.map(({ message }) => message).join("\n"), hints.join("\n  "), EXIT.config, { cause: first });
}
