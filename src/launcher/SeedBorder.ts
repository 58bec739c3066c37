/**
 * The seed system's commands but START (which is `StartBorder`'s), decoded and performed. What came of them is told to its
 * controller by `SeedDocuments`.
 */
import { Effect, Option, Schema, Stream } from "effect"
import { InstanceId } from "../domain/InstanceId.ts"
import { VolumeId } from "../domain/Volume.ts"
import type { PayloadError } from "../payload/PayloadError.ts"
import * as SeedCommands from "../payload/SeedCommands.ts"
import { Launcher } from "./Launcher.ts"
import { Code, type LauncherError } from "./LauncherError.ts"
import type { Removal } from "./Removals.ts"

/** The codes of a command that failed. */
export const CommandCode = Schema.Literals(["invalid_payload", "invalid_data", ...Code.literals])

export type CommandCode = typeof CommandCode.Type

/** A command failed. `id` and `volume` are absent where the payload could not be read far enough to know, or names none. */
export class CommandFailure extends Schema.TaggedError<CommandFailure>()("CommandFailure", {
  code: CommandCode,
  id: Schema.Option(InstanceId),
  volume: Schema.Option(VolumeId),
  message: Schema.String
}) {}

interface Named {
  readonly id?: InstanceId
  readonly volume?: VolumeId
}

const failed = ({ id, volume }: Named) => ({ code, message }: PayloadError | LauncherError): CommandFailure =>
  new CommandFailure({ code, id: Option.fromUndefinedOr(id), volume: Option.fromUndefinedOr(volume), message })

const unread = failed({})

/** An instance that is gone from this node. */
export interface Deleted {
  readonly id: InstanceId
  /** It is only to be stopped, as its control plane sees it: it may be started on another node. */
  readonly isStop: boolean
}

/**
 * `delete`: removes the instance, as `Launcher.delete` does, also where the payload says `stop`: that only says what is
 * reported. Interrupting ends the waiting only.
 */
const deleteInstance = Effect.fn("SeedBorder.delete")(function*(
  payload: string | Uint8Array
): Effect.fn.Return<Deleted, CommandFailure, Launcher> {
  const launcher = yield* Launcher
  const { instance_uuid: id, stop: isStop } = yield* Effect.mapError(SeedCommands.decodeDelete(payload), unread)
  yield* Effect.mapError(launcher.delete(id), failed({ id }))
  return { id, isStop }
})

export { deleteInstance as delete }

/** `attach_volume`: gives the instance the volume, writable, as `Launcher.attach` does. */
export const attachVolume = Effect.fn("SeedBorder.attachVolume")(function*(
  payload: string | Uint8Array
): Effect.fn.Return<void, CommandFailure, Launcher> {
  const launcher = yield* Launcher
  const { instance_uuid: id, volume_uuid: volume } = yield* Effect.mapError(
    SeedCommands.decodeAttachVolume(payload),
    unread
  )
  yield* Effect.mapError(launcher.attach(id, { id: volume }), failed({ id, volume }))
})

/** `evacuate`: puts the node into maintenance, and stops and removes every instance, as `Launcher.evacuate` does. */
export const evacuate = (payload: string | Uint8Array): Stream.Stream<Removal, CommandFailure, Launcher> =>
  Stream.unwrap(Effect.gen(function*() {
    const launcher = yield* Launcher
    yield* Effect.mapError(SeedCommands.decodeEvacuate(payload), unread)
    return Stream.mapError(launcher.evacuate, unread)
  }))

/** `restore`: puts the node back to service, as `Launcher.restore` does. */
export const restore = Effect.fn("SeedBorder.restore")(function*(
  payload: string | Uint8Array
): Effect.fn.Return<void, CommandFailure, Launcher> {
  const launcher = yield* Launcher
  yield* Effect.mapError(SeedCommands.decodeRestore(payload), unread)
  yield* Effect.mapError(launcher.restore, unread)
})
