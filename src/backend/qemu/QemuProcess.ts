/**
 * The process of a guest: telling it from all others, finding it again, and ending it.
 */
import * as Process from "node:process"
import { type Duration, Effect, Option } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import { fail, HostFailure, StillAlive, type VirtualizerError } from "../../VirtualizerError.ts"
import * as GuestFile from "./GuestFile.ts"
import * as ProcFs from "./ProcFs.ts"
import * as QemuArguments from "./QemuArguments.ts"
import type { QemuDirectory } from "./QemuDirectory.ts"

/** What a guest's command line says of it. It says so from its first moment, also while it is still `setpriv` or `perl`. */
export interface Signature {
  readonly uuid: string
  readonly pidFile: string
}

/** What the command line of an instance's guest says. */
export const signature = (id: InstanceId, directory: QemuDirectory): Signature => ({
  uuid: QemuArguments.uuid(id),
  pidFile: directory.pidFile
})

/** The value that follows an option of a command line. */
export const option = (commandLine: ReadonlyArray<string>, name: string): string | undefined => {
  const index = commandLine.indexOf(name)
  return index < 0 ? undefined : commandLine[index + 1]
}

const isOf = (signature: Signature, commandLine: ReadonlyArray<string>): boolean =>
  option(commandLine, "-uuid") === signature.uuid && option(commandLine, "-pidfile") === signature.pidFile

/** The process of a guest. Kept in memory only, and so never beyond the host's present boot. */
export interface Identity {
  readonly pid: number
  readonly startTicks: number
  /** A pid can come again with the same start tick: this does not. */
  readonly signature: Signature
}

/** The process `pid`, if it is there, has not ended, and is this guest's. */
export const identify = (signature: Signature, pid: number): Identity | undefined => {
  const info = ProcFs.info(pid)
  if (info === undefined || ProcFs.isDead(info)) return undefined
  const commandLine = ProcFs.commandLine(pid)
  return commandLine !== undefined && isOf(signature, commandLine)
    ? { pid, startTicks: info.startTicks, signature }
    : undefined
}

/** The process `pid`, which is a child of ours that we have not waited for, so that its number is its own. */
export const ofChild = (signature: Signature, pid: number): Identity | undefined => {
  const info = ProcFs.info(pid)
  return info === undefined ? undefined : { pid, startTicks: info.startTicks, signature }
}

/**
 * Whether the process is there. One that is ending is, for as long as it may have files open; its memory, and with it its
 * command line, is the first that goes.
 */
export const isAlive = ({ pid, signature, startTicks }: Identity): boolean => {
  const info = ProcFs.info(pid)
  if (info === undefined || ProcFs.isDead(info) || info.startTicks !== startTicks) return false
  const commandLine = ProcFs.commandLine(pid)
  return commandLine !== undefined && (commandLine.length === 0 || isOf(signature, commandLine))
}

/**
 * The guest's process by its pid file: a few microseconds. That it is not found proves nothing: a guest exists before its
 * pid file does, see {@link search}. What is there in the file's place that is none has it searched for: a process that
 * put a link there shall not get away with it.
 */
export const findByPidFile = Effect.fnUntraced(function*(
  signature: Signature
): Effect.fn.Return<Identity | undefined> {
  const text = yield* Effect.option(GuestFile.readSmall(signature.pidFile, 32))
  if (Option.isNone(text)) return yield* search(signature)
  const pid = Number.parseInt(text.value ?? "", 10)
  return pid > 0 ? identify(signature, pid) : undefined
})

/** The guest's process among all processes, by its command line. Not found, there is none. */
export const search = (signature: Signature): Effect.Effect<Identity | undefined> =>
  Effect.sync(() => {
    for (const pid of ProcFs.pids()) {
      const identity = identify(signature, pid)
      if (identity !== undefined) return identity
    }
    return undefined
  })

/** The guest's process. Not found, there is none. Fails with `HostFailure` when its pid file can not be read. */
export const find = Effect.fnUntraced(function*(
  signature: Signature
): Effect.fn.Return<Identity | undefined, VirtualizerError> {
  return (yield* findByPidFile(signature)) ?? (yield* search(signature))
})

/**
 * Returns when the process is gone, and waits for as long as it is there. Looks every millisecond at first, or less often
 * where no end is expected, and then ever less, down to every 50 ms: the kernel tells only a parent, and who adopted a guest
 * is none.
 */
export const awaitGone = Effect.fnUntraced(function*(identity: Identity, firstMillis = 1): Effect.fn.Return<void> {
  let millis = firstMillis
  while (isAlive(identity)) {
    yield* Effect.sleep(millis)
    millis = Math.min(millis * 1.2, 50)
  }
})

/** Whether the process is gone within `deadline`. */
export const goneWithin = (identity: Identity, deadline: Duration.Input): Effect.Effect<boolean> =>
  Effect.map(Effect.timeoutOption(awaitGone(identity), deadline), (gone) => gone._tag === "Some")

/**
 * Kills the process (SIGKILL) and returns when it is gone. Succeeds when it is gone already. Interruption does not call the
 * signal back.
 *
 * Fails with `StillAlive` when it is there after `deadline`, and with `HostFailure` when this process may not kill it.
 */
export const kill = Effect.fn("QemuProcess.kill")(function*(
  identity: Identity,
  deadline: Duration.Input
): Effect.fn.Return<void, VirtualizerError> {
  yield* Effect.try({
    try: () => isAlive(identity) && Process.kill(identity.pid, "SIGKILL"),
    catch: (cause) =>
      fail(new HostFailure({ detail: `process ${identity.pid} can not be killed: ${String(cause)}: do so as root` }))
  }).pipe(
    // It may have gone right then, which is all that was wanted.
    Effect.catchIf(() => !isAlive(identity), () => Effect.void)
  )
  if (!(yield* goneWithin(identity, deadline))) {
    return yield* fail(new StillAlive({ handle: `pid ${identity.pid}` }))
  }
})
