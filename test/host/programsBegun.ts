import { Effect, Schedule } from "effect"
import * as Fs from "node:fs"
import * as ProcFs from "../../src/backend/qemu/ProcFs.ts"

/**
 * Whether a process is about to become another program: `setpriv` is, and one without a command line that still has a
 * program is in the middle of it. (What has ended has none, nor has what is the kernel's.)
 */
const isBecoming = (pid: number): boolean => {
  const [program] = ProcFs.commandLine(pid) ?? ["gone"]
  return program === undefined ? Fs.existsSync(`/proc/${pid}/exe`) : /(^|\/)setpriv$/.test(program)
}

/** Waits until every process is the program that it was started for: until then, what it is can be seen or not. */
export const programsBegun = Effect.sync(() => ProcFs.pids().some(isBecoming)).pipe(
  Effect.repeat({ until: (any) => !any, schedule: Schedule.spaced("1 millis") }),
  Effect.timeout("30 seconds"),
  Effect.orDie
)
