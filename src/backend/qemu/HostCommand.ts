/**
 * Running the host's tools to their end.
 */
import { Effect, type PlatformError, type Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import { fail, HostFailure, NoSpace, type VirtualizerError } from "../../VirtualizerError.ts"

/** A tool of the host, by the name it has on the PATH, and the Debian package it comes in. */
export interface Tool {
  readonly name: string
  readonly package: string
}

/** How a tool ended, and the beginnings of what it wrote. */
export interface Outcome {
  /** Its exit code; absent when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** What to say of a tool that is not installed. */
export const missing = (tool: Tool): string =>
  `${tool.name} was not found on the PATH: install it (Debian package ${tool.package})`

const keptCharacters = 16_384

/** Reads all, so that the tool never waits for us, and keeps the beginning. */
const beginning = (stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>) =>
  stream.pipe(
    Stream.decodeText,
    Stream.runFold(
      () => "",
      (kept, text) => kept.length < keptCharacters ? (kept + text).slice(0, keptCharacters) : kept
    )
  )

/**
 * Starts a tool without a terminal or input, in the C locale. It ends, verified, when the scope closes. Fails with
 * `HostFailure` that names its package when it is not installed.
 */
export const spawn = (
  tool: Tool,
  command: readonly [string, ...ReadonlyArray<string>],
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<
  ChildProcessSpawner.ChildProcessHandle,
  VirtualizerError,
  ChildProcessSpawner.ChildProcessSpawner | Scope.Scope
> => {
  const [file, ...args] = command
  return ChildProcess.make(file, args, {
    stdin: "ignore",
    env: { LC_ALL: "C", ...environment },
    extendEnv: true,
    killSignal: "SIGKILL",
    forceKillAfter: "1 second"
  }).pipe(
    Effect.mapError((error) =>
      fail(
        new HostFailure({
          detail: error.reason._tag === "NotFound"
            ? missing(tool)
            : `${tool.name} could not be started: ${error.message}`
        })
      )
    )
  )
}

/** Waits for a started tool's end, reading what it writes. */
export const outcome = (child: ChildProcessSpawner.ChildProcessHandle): Effect.Effect<Outcome> =>
  Effect.all({
    // What fails here is a death by signal.
    code: Effect.orElseSucceed(child.exitCode, () => undefined),
    stdout: Effect.orElseSucceed(beginning(child.stdout), () => ""),
    stderr: Effect.orElseSucceed(beginning(child.stderr), () => "")
  }, { concurrency: "unbounded" })

/**
 * Runs a tool to its end. Interruption kills it. Fails with `HostFailure` when it can not be started; an exit code other
 * than 0 is for the caller to judge.
 */
export const run = (
  tool: Tool,
  args: ReadonlyArray<string>,
  environment?: Readonly<Record<string, string>>
): Effect.Effect<Outcome, VirtualizerError, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.scoped(Effect.flatMap(spawn(tool, [tool.name, ...args], environment), outcome))

/** Lines that are no complaint: warnings of QEMU's tools, notes and the banner of xorriso. */
const noise = /^\S+: warning: | : (NOTE|UPDATE|WARNING) : |^xorriso [\d.]+ : /

/** What tools put before a complaint: their name, and for xorriso how bad it is. */
const preamble = /^[\w-]+ ?: ([A-Z]+ : )?/

/** What a tool says went wrong: the first line of its complaint, without its own name. */
export const complaint = (tool: Tool, { code, stderr }: Outcome): string => {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "")
  const line = lines.find((line) => !noise.test(line)) ?? lines[0]
  return line?.replace(preamble, "") ??
    (code === undefined ? `${tool.name} was killed` : `${tool.name} ended with code ${code} and said nothing`)
}

/** The failure of a tool that was to write `target`: `NoSpace` on a full disk or quota, else `HostFailure`. */
export const writeFailure = (target: string, tool: Tool, outcome: Outcome): VirtualizerError =>
  /No space left on device|Disk quota exceeded|exceeds free space on media/.test(outcome.stderr)
    ? fail(new NoSpace({ path: target }))
    : fail(
      new HostFailure({
        detail:
          `${target} could not be made: ${complaint(tool, outcome)}: see that its directory is there and can be ` +
          "written"
      })
    )
