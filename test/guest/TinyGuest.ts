/**
 * A Linux that boots in seconds on 96 MiB and tells what it sees on its console: see `init` beside this file for its lines.
 */
import { Effect, FileSystem, Path, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"

/** The files of the tiny guest, by absolute path. */
export interface TinyGuest {
  readonly kernel: string
  readonly initrd: string
  readonly commandLine: string
  /** A raw disk that boots kernel and initrd by BIOS. */
  readonly bootDisk: string
}

/** The tiny guest could not be built. */
export class TinyGuestFailed extends Schema.TaggedError<TinyGuestFailed>()("TinyGuestFailed", {
  status: Schema.Int,
  output: Schema.String
}) {
  override get message(): string {
    return `the tiny guest could not be built (status ${this.status}):\n${this.output}`
  }
}

/** What the guest prints when it has booted and takes commands. */
export const ready = "VIVARIUM-GUEST ready"

/** What the guest prints when its power button is pressed. */
export const powerButton = "VIVARIUM-GUEST power-button"

/**
 * Builds the tiny guest where it has not been built yet, and answers where it is. That is a cache of the project, which
 * an unprivileged user may not be able to reach: see {@link copyTo}.
 */
export const ensure = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const here = yield* path.fromFileUrl(new URL(".", import.meta.url))
  const cache = path.resolve(here, "../../node_modules/.cache/vivarium/guest")
  const build = yield* ChildProcess.make(path.join(here, "build"), [cache], {
    stdin: "ignore",
    forceKillAfter: "5 seconds"
  })
  const [output, errors, status] = yield* Effect.all([
    Stream.mkString(Stream.decodeText(build.stdout)),
    Stream.mkString(Stream.decodeText(build.stderr)),
    build.exitCode
  ], { concurrency: "unbounded" })
  if (status !== 0) return yield* new TinyGuestFailed({ status, output: errors })
  const guest = yield* inDirectory(output.trim())
  return { ...guest, commandLine: (yield* fs.readFileString(path.join(output.trim(), "command-line"))).trim() }
}).pipe(Effect.scoped, Effect.withSpan("TinyGuest.ensure"))

const inDirectory = Effect.fnUntraced(function*(directory: string) {
  const path = yield* Path.Path
  return {
    kernel: path.join(directory, "vmlinuz"),
    initrd: path.join(directory, "initrd.cpio"),
    bootDisk: path.join(directory, "boot.raw")
  }
})

/** Builds the tiny guest where needed and copies it into a directory, readable for everyone who can reach that. */
export const copyTo = Effect.fn("TinyGuest.copyTo")(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const cached = yield* ensure
  const copy: TinyGuest = { ...(yield* inDirectory(directory)), commandLine: cached.commandLine }
  yield* Effect.forEach(["kernel", "initrd", "bootDisk"] as const, (file) => fs.copyFile(cached[file], copy[file]), {
    discard: true
  })
  return copy
})
