/**
 * The kernel's view of processes: https://man7.org/linux/man-pages/man5/proc.5.html
 *
 * These files are made in memory when they are read, in microseconds, so they are read synchronously: a round trip
 * through the thread pool would take a hundred times as long as the reading.
 */
import * as Fs from "node:fs"

/** What is known of a process by its number. */
export interface ProcessInfo {
  /** One letter, `R`, `S`, `D` … of its first thread. `Z` is one that ended, while the others may still be ending. */
  readonly state: string
  readonly threads: number
  /** When it began, in clock ticks since the host booted. */
  readonly startTicks: number
}

const read = (path: string): string | undefined => {
  try {
    return Fs.readFileSync(path, "utf8")
  } catch {
    // It ended, perhaps between opening and reading; or /proc hides it from us, which then is not ours.
    return undefined
  }
}

/** The process `pid`, or nothing when there is none. */
export const info = (pid: number): ProcessInfo | undefined => {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the name in parentheses, which may hold anything, parentheses and spaces too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [state, threads, startTicks] = [fields[0], Number(fields[17]), Number(fields[19])]
  return state === undefined || !Number.isSafeInteger(startTicks) ? undefined : { state, threads, startTicks }
}

/**
 * Whether what `info` found has ended, and only waits for its parent to notice. While another thread is still ending it has
 * not: that one may have files open.
 */
export const isDead = ({ state, threads }: ProcessInfo): boolean => (state === "Z" || state === "X") && threads <= 1

/** The command line of the process `pid`; empty for one that is ending, and for the kernel's own. */
export const commandLine = (pid: number): ReadonlyArray<string> | undefined =>
  read(`/proc/${pid}/cmdline`)?.split("\0").slice(0, -1)

/** The numbers of all processes there are now. */
export const pids = (): ReadonlyArray<number> =>
  Fs.readdirSync("/proc").filter((name) => /^[1-9][0-9]*$/.test(name)).map(Number)
