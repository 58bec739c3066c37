/**
 * The system calls of a process's own threads: recorded, cut short by its death, or made to fail. Neither its children nor
 * their calls are touched. https://man7.org/linux/man-pages/man1/strace.1.html
 */
import { readdirSync, readFileSync } from "node:fs"
import { Effect, FileSystem, Stream } from "effect"
import { ChildProcess } from "effect/process"

/** Which of Node's threads makes a call: the one that runs JavaScript, or the one that works on files. */
export type Thread = "main" | "pool"

/** The calls that change something outside of the process that makes them. */
export const changing = [
  ...["openat", "write", "pwrite64", "writev", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "mkdir", "rmdir"],
  ...[
    "chmod",
    "fchmod",
    "chown",
    "fchown",
    "link",
    "symlink",
    "connect",
    "sendto",
    "sendmsg",
    "clone",
    "clone3",
    "vfork"
  ],
  "kill"
]

/** What is done to the n-th call of a thread, of those that are about a path. */
export interface Injection {
  readonly thread: Thread
  readonly call: string
  /** A path as strace writes it, such as `/a/b` or `socket:[17]`. Without one, every call counts. */
  readonly path: string | undefined
  readonly nth: number
  /** The process is killed before the call is made, or the call is not made and fails. */
  readonly act: "signal=SIGKILL" | `error=${string}`
}

/** The threads of a process that make calls which change something. */
const threads = (pid: number): ReadonlyMap<number, Thread> =>
  new Map(
    readdirSync(`/proc/${pid}/task`).flatMap((name): ReadonlyArray<[number, Thread]> => {
      const tid = Number(name)
      if (tid === pid) return [[tid, "main"]]
      const comm = readFileSync(`/proc/${pid}/task/${name}/comm`, "utf8").trim()
      return comm === "libuv-worker" ? [[tid, "pool"]] : []
    })
  )

/** A call that was made: its thread, and strace's line from the call's name on. */
export interface Line {
  readonly thread: Thread
  readonly text: string
}

/**
 * Begins to watch a process, which was begun with one thread for its files and has used that. Returns when every call from
 * now on is seen. The watching ends with the scope, and with the process.
 */
export const attach = Effect.fnUntraced(function*(pid: number, injection?: Injection) {
  const fs = yield* FileSystem.FileSystem
  const watched = [...threads(pid)].filter(([, thread]) => injection === undefined || thread === injection.thread)
  const output = yield* fs.makeTempFileScoped({ prefix: "strace-" })
  const what = injection === undefined ? ["-e", `trace=${changing.join(",")}`] : [
    ...["-e", `trace=${injection.call}`],
    ...["-e", `inject=${injection.call}:${injection.act}:when=${injection.nth}`],
    ...injection.path === undefined ? [] : ["-P", injection.path]
  ]
  const child = yield* ChildProcess.make(
    "strace",
    ["-y", "-s", "64", "-o", output, ...what, ...watched.flatMap(([tid]) => ["-p", `${tid}`])],
    { stdin: "ignore", stdout: "ignore", forceKillAfter: "5 seconds" }
  )
  let said = ""
  const isAttached = () => (said.match(/Process \d+ attached/g) ?? []).length === watched.length
  yield* child.stderr.pipe(
    Stream.decodeText(),
    Stream.tap((text) =>
      Effect.sync(() => {
        said += text
      })
    ),
    Stream.takeUntil(isAttached),
    Stream.runDrain,
    Effect.timeout("60 seconds"),
    Effect.orDie
  )
  if (!isAttached()) return yield* Effect.die(`strace could not attach: ${said}`)

  /** What has been seen so far. */
  const lines = Effect.map(
    fs.readFileString(output),
    (text): ReadonlyArray<Line> =>
      text.split("\n").flatMap((line) => {
        // Without a number where only one thread is watched.
        const [, tid, call] = /^(?:(\d+) +)?(\w+\(.*)$/.exec(line) ?? []
        const thread = tid === undefined ? watched[0]?.[1] : watched.find(([one]) => one === Number(tid))?.[1]
        return call === undefined || thread === undefined ? [] : [{ thread, text: call }]
      })
  )
  return {
    lines,
    /** Lets go of the process. */
    detach: Effect.ignore(child.kill({ killSignal: "SIGTERM", forceKillAfter: "5 seconds" })),
    /** Completes when there is nothing to watch any more, with all that was seen. */
    ended: Effect.andThen(Effect.exit(child.exitCode), lines),
    /** Whether it did to the process what it was to do. */
    hasActed: Effect.map(lines, (all) => all.some(({ text }) => /\(INJECTED\)| = \?$/.test(text)))
  }
})

export type Tracer = Effect.Success<ReturnType<typeof attach>>

/** Watches a process as long as `use` runs. */
export const during = <A, E, R>(
  pid: number,
  injection: Injection | undefined,
  use: (tracer: Tracer) => Effect.Effect<A, E, R>
) => Effect.scoped(Effect.flatMap(attach(pid, injection), (tracer) => Effect.onExit(use(tracer), () => tracer.detach)))
