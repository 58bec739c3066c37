/**
 * All that a node has on its host at a moment: compared with what was there before, it shows what was left behind.
 */
import * as Fs from "node:fs"
import { Effect } from "effect"
import * as ProcFs from "../../src/backend/qemu/ProcFs.ts"

/** What there is, in words that are the same for the same thing, in order. */
export interface Inventory {
  /** What this process has started, and whatever names the directories: in its words, its environment, or by an open file. */
  readonly processes: ReadonlyArray<string>
  readonly files: ReadonlyArray<string>
  /** Unix sockets that are bound below the directories, whether their files are still there or not. */
  readonly sockets: ReadonlyArray<string>
  readonly mounts: ReadonlyArray<string>
  /** Locks on files below the directories. */
  readonly locks: ReadonlyArray<string>
}

/** What can be read: what vanishes meanwhile has nothing. */
const attempt = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const lines = (path: string): ReadonlyArray<string> => attempt(() => Fs.readFileSync(path, "utf8"), "").split("\n")

const parentOf = (pid: number): number =>
  Number(/^PPid:\s*(\d+)$/m.exec(attempt(() => Fs.readFileSync(`/proc/${pid}/status`, "utf8"), ""))?.[1])

const isDescendant = (pid: number): boolean => {
  for (let ancestor = parentOf(pid); ancestor > 1; ancestor = parentOf(ancestor)) {
    if (ancestor === process.pid) return true
  }
  return false
}

const openFiles = (pid: number): ReadonlyArray<string> =>
  attempt(() => Fs.readdirSync(`/proc/${pid}/fd`), []).map((fd) =>
    attempt(() => Fs.readlinkSync(`/proc/${pid}/fd/${fd}`), "")
  )

const naming = (directories: ReadonlyArray<string>) => (text: string): boolean =>
  directories.some((directory) => text.includes(directory))

const wordsOf = (pid: number): string => ProcFs.commandLine(pid)?.join(" ") ?? ""

/** How often one that is just becoming another program, and has no words for a moment, is asked for them. */
const turnsMax = 1_000

/** The words of a process that this one has started. */
const wordsOfOurs = (pid: number): string => {
  let words = wordsOf(pid)
  for (let turn = 0; words === "" && turn < turnsMax && ProcFs.info(pid) !== undefined; turn++) words = wordsOf(pid)
  return words
}

/** The words of the processes that this one has started, or that have to do with these directories. */
export const processes = (...directories: ReadonlyArray<string>): ReadonlyArray<string> => {
  const names = naming(directories)
  return ProcFs.pids().flatMap((pid) => {
    const info = ProcFs.info(pid)
    if (pid === process.pid || info === undefined || ProcFs.isDead(info)) return []
    const words = wordsOf(pid)
    const environment = attempt(() => Fs.readFileSync(`/proc/${pid}/environ`, "utf8"), "")
    if (isDescendant(pid)) return [wordsOfOurs(pid)]
    return names(words) || names(environment) || openFiles(pid).some(names) ? [words] : []
  }).sort()
}

/** The files below a directory, and what can be told of each. Two files are one where their keys are. */
const below = (directory: string): ReadonlyArray<{ readonly path: string; readonly inode: string }> =>
  attempt(() => Fs.readdirSync(directory, { recursive: true, encoding: "utf8" }), []).flatMap((name) => {
    const path = `${directory}/${name}`
    const stat = attempt(() => Fs.lstatSync(path, { bigint: true }), undefined)
    return stat === undefined ? [] : [{ path, inode: `${stat.ino}` }]
  })

/** What there is now of these directories. */
export const take = (...directories: ReadonlyArray<string>): Effect.Effect<Inventory> =>
  Effect.sync(() => {
    const names = naming(directories)
    const files = directories.flatMap(below)
    const inodes = new Map(files.map(({ inode, path }) => [inode, path]))
    return {
      processes: processes(...directories),
      files: files.map(({ path }) => path).sort(),
      sockets: lines("/proc/net/unix").filter(names).map((line) => line.slice(line.indexOf("/"))).sort(),
      mounts: lines("/proc/self/mountinfo").filter(names).sort(),
      locks: lines("/proc/locks").flatMap((line) => {
        const path = inodes.get(/ [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line)?.[1] ?? "")
        return path === undefined ? [] : [path]
      }).sort()
    }
  })
