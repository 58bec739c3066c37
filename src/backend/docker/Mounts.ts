/**
 * What is mounted on this host, and mounting more.
 */
import * as Fs from "node:fs"
import { Effect, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as SystemFailure from "../../internal/SystemFailure.ts"
import { fail, HostFailure, type VirtualizerError } from "../../VirtualizerError.ts"

/** One mount. */
export interface Mount {
  readonly path: string
  /** What is mounted on it later is mounted in other namespaces too. */
  readonly shared: boolean
}

/** The kernel writes white space and backslashes in octal. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** Reads `/proc/self/mountinfo` (proc(5)). */
export const parse = (text: string): ReadonlyArray<Mount> =>
  text.split("\n").flatMap((line) => {
    const fields = line.split(" ")
    const path = fields[4]
    if (path === undefined) return []
    const optional = fields.slice(6, fields.indexOf("-"))
    return [{ path: unescape(path), shared: optional.some((field) => field.startsWith("shared:")) }]
  })

/**
 * All mounts that this process sees, in the order they were made. The file is made in memory when it is read, so it is read at once.
 * Fails with `HostFailure`.
 */
export const all: Effect.Effect<ReadonlyArray<Mount>, VirtualizerError> = Effect.try({
  try: () => parse(Fs.readFileSync("/proc/self/mountinfo", "utf8")),
  catch: (error) =>
    fail(new HostFailure({ detail: `what is mounted can not be read: ${SystemFailure.wordsOfCause(error)}` }))
})

/** Whether a path is on a shared mount. */
export const isShared = (mounts: ReadonlyArray<Mount>, path: string): boolean => {
  let nearest: Mount | undefined
  for (const mount of mounts) {
    const holds = mount.path === "/" || path === mount.path || path.startsWith(`${mount.path}/`)
    // The later of two on one path hides the other.
    if (holds && mount.path.length >= (nearest?.path.length ?? 0)) nearest = mount
  }
  return nearest?.shared ?? false
}

/** How long mounting may take: it reads a few blocks. */
const deadline = "15 seconds"

/**
 * Runs `mount` or `umount` to its end, and answers what it complained of; nothing when it succeeded. It is not interrupted in the
 * middle. Fails with `HostFailure`.
 */
const run = (
  program: "mount" | "umount",
  args: ReadonlyArray<string>
): Effect.Effect<string | undefined, VirtualizerError, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.scoped(Effect.gen(function*() {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const child = yield* spawner.spawn(ChildProcess.make(program, args, {
      stdin: "ignore",
      stdout: "ignore",
      env: { LC_ALL: "C" },
      extendEnv: true,
      killSignal: "SIGKILL"
    }))
    const [complaint, code] = yield* Effect.all([Stream.mkString(Stream.decodeText(child.stderr)), child.exitCode], {
      concurrency: 2
    })
    return code === 0 ? undefined : complaint.trim().replace(/\s+/g, " ") || `${program} ended with code ${code}`
  })).pipe(
    Effect.mapError((error) =>
      fail(new HostFailure({ detail: `${program} could not be run (${error.message}): install the package mount` }))
    ),
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => Effect.fail(fail(new HostFailure({ detail: `${program} took longer than ${deadline}` })))
    }),
    Effect.uninterruptible
  )

/** Mounts the file system in a file on a directory. Nothing in it becomes a device, or gives rights. */
export const mountFile = (file: string, directory: string, options: { readonly readOnly: boolean }) =>
  run("mount", ["-o", `loop,nosuid,nodev${options.readOnly ? ",ro" : ""}`, "--", file, directory])

/** Unmounts what is mounted on a directory, with `lazily` as soon as nobody uses it. */
export const unmount = (directory: string, options: { readonly lazily?: boolean } = {}) =>
  run("umount", [...options.lazily === true ? ["--lazy"] : [], "--", directory])
