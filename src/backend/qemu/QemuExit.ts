/**
 * How a guest ended, on disk, so that also a launcher that comes later knows: written while the guest is held at its end, or
 * noted right before it is made to end and confirmed when it has.
 */
import { Effect, FileSystem, type Path, Schema } from "effect"
import { ExitStatus } from "../../domain/ExitStatus.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as HostFiles from "./HostFiles.ts"

const Record = Schema.fromJsonString(Schema.Struct({ status: ExitStatus }))

const decode = Schema.decodeUnknownEffect(Record)
const encode = Schema.encodeEffect(Record)

/**
 * Records how the guest ended. It is on disk, whole, when this returns; interrupted or failed, what was recorded before
 * stays. Fails with `NoSpace` or `HostFailure`.
 */
export const write = Effect.fn("QemuExit.write")(function*(
  path: string,
  status: ExitStatus
): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem | Path.Path> {
  yield* HostFiles.produce(path, (temporary) => put(path, temporary, status, "wx"))
})

const noted = (path: string): string => `${path}.noted`

/**
 * Notes how the guest is about to end because it is made to, which proves nothing yet: {@link confirm} does. The note
 * outlives this process, but is not waited for until it is on disk: that the guest was to end is on record elsewhere. One
 * that was cut short says as much as none. Fails like {@link write}, and then there is no note.
 */
export const note = Effect.fn("QemuExit.note")(function*(
  path: string,
  status: ExitStatus
): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.onError(
    put(path, noted(path), status, "w"),
    () => Effect.ignore(fs.remove(noted(path), { force: true }))
  )
})

/** The guest is gone, as it was noted. Without a note, nothing changes. Fails like {@link write}. */
export const confirm = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  yield* fs.rename(noted(path), path).pipe(
    Effect.catchIf((error) => error.reason._tag === "NotFound", () => Effect.void),
    Effect.mapError(HostFiles.writeFailure(path))
  )
})

const put = Effect.fnUntraced(function*(path: string, temporary: string, status: ExitStatus, flag: "w" | "wx") {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.orDie(encode({ status }))
  yield* fs.writeFileString(temporary, text, { flag, mode: 0o600 }).pipe(
    Effect.mapError(HostFiles.writeFailure(path))
  )
})

const readFrom = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<ExitStatus | undefined, never, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  return yield* fs.readFileString(path).pipe(
    Effect.flatMap(decode),
    Effect.map(({ status }) => status),
    // A record that can not be read says as much as none: how the guest ended is not known.
    Effect.orElseSucceed(() => undefined)
  )
})

/** How the last guest ended. Nothing when that is not known: no guest ended yet, one is there, or one just vanished. */
export const read = Effect.fn("QemuExit.read")((path: string) => readFrom(path))

/** How the last guest was made to end, if it is gone. */
export const readNote = Effect.fn("QemuExit.readNote")((path: string) => readFrom(noted(path)))

/** Forgets how the last guest ended: another one begins. */
export const clear = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<void, VirtualizerError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.forEach(
    [path, noted(path)],
    (path) => Effect.mapError(fs.remove(path, { force: true }), HostFiles.writeFailure(path)),
    { discard: true }
  )
})
