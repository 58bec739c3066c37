/**
 * What of this host's files is mounted as a file system.
 */
import * as Fs from "node:fs"
import { Effect } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { exec } from "./exec.ts"

/** A file that is mounted by a loop device. */
export interface LoopMount {
  readonly file: string
  readonly path: string
}

const read = (path: string): string => {
  try {
    return Fs.readFileSync(path, "utf8").trim()
  } catch {
    // It was let go of meanwhile.
    return ""
  }
}

/** All that this process sees. */
export const all = (): ReadonlyArray<LoopMount> =>
  read("/proc/self/mountinfo").split("\n").flatMap((line) => {
    const fields = line.split(" ")
    const source = fields[fields.indexOf("-") + 2] ?? ""
    return source.startsWith("/dev/loop")
      ? [{ file: read(`/sys/block/${source.slice("/dev/".length)}/loop/backing_file`), path: fields[4] ?? "" }]
      : []
  })

/** Unmounts what is mounted below a directory. */
export const unmountBelow = (
  directory: string
): Effect.Effect<void, never, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.suspend(() =>
    Effect.forEach(
      all().filter(({ path }) => path.startsWith(`${directory}/`)),
      ({ path }) => Effect.ignore(exec("umount", "--lazy", path)),
      { discard: true }
    )
  )
