/**
 * Finding every guest of a state directory, whether anything else is known of it or not.
 */
import { Effect, FileSystem, Schema } from "effect"
import { InstanceId } from "../../domain/InstanceId.ts"
import type { FoundGuest } from "../../Virtualizer.ts"
import * as ProcFs from "./ProcFs.ts"
import * as QemuArguments from "./QemuArguments.ts"
import * as QemuProcess from "./QemuProcess.ts"

/** A guest that was found, and its process. */
export interface FoundProcess {
  readonly found: FoundGuest
  readonly identity: QemuProcess.Identity
}

const isInstanceId = Schema.is(InstanceId)

/** The instance that a guest's command line names, if it is one of this state directory. */
const instanceOf = (commandLine: ReadonlyArray<string>, stateDirectory: string): InstanceId | undefined => {
  const id = /^guest=([^,]*),/.exec(QemuProcess.option(commandLine, "-name") ?? "")?.[1]
  return id !== undefined && isInstanceId(id) && QemuProcess.option(commandLine, "-uuid") === QemuArguments.uuid(id) &&
      QemuProcess.option(commandLine, "-pidfile")?.startsWith(`${stateDirectory}/`) === true
    ? id
    : undefined
}

/**
 * Every guest that is there now: by the command lines of all processes, which say what they are from their first moment
 * on, when there is no pid file yet. A guest that is found twice has been launched twice. Takes some milliseconds.
 */
export const scan = (
  stateDirectory: string
): Effect.Effect<ReadonlyArray<FoundProcess>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    // A launcher resolves the links on the way to its state directory, and so guests name it.
    const real = yield* Effect.orElseSucceed(fs.realPath(stateDirectory), () => stateDirectory)
    return ProcFs.pids().flatMap((pid) => {
      const commandLine = ProcFs.commandLine(pid) ?? []
      const id = instanceOf(commandLine, real)
      const pidFile = QemuProcess.option(commandLine, "-pidfile")
      if (id === undefined || pidFile === undefined) return []
      const identity = QemuProcess.identify({ uuid: QemuArguments.uuid(id), pidFile }, pid)
      return identity === undefined ? [] : [{ found: { id, handle: `pid ${pid}` }, identity }]
    })
  })
