/**
 * Reading what a guest's process wrote. That process is not trusted: it may have put a link, a device or a pipe where its
 * file should be. Only regular files are read, no link is followed, and no more than was asked for.
 */
import * as Fs from "node:fs"
import { Effect, Predicate } from "effect"
import { fail, HostFailure, type VirtualizerError } from "../../VirtualizerError.ts"

const flags = Fs.constants.O_RDONLY | Fs.constants.O_NOFOLLOW | Fs.constants.O_NONBLOCK

const failure = (path: string, cause: unknown): VirtualizerError =>
  fail(
    new HostFailure({ detail: `${path} can not be read: ${Predicate.isError(cause) ? cause.message : String(cause)}` })
  )

const isNotFound = (cause: unknown): boolean =>
  Predicate.hasProperty(cause, "code") && (cause.code === "ENOENT" || cause.code === "ENOTDIR")

/** The part of an open file that is to be read: a negative offset counts from its end. */
const part = (stat: Fs.Stats, offset: number, maxBytes: number) => {
  if (!stat.isFile()) throw new Error("it is not a regular file")
  const position = offset < 0 ? Math.max(0, stat.size + offset) : offset
  return { position, buffer: new Uint8Array(Math.max(0, Math.min(maxBytes, stat.size - position))) }
}

/**
 * At most `maxBytes` of the file from `offset` on; a negative offset counts from its end. Empty at the end of the file,
 * and nothing when there is no file. Fails with `HostFailure`.
 */
export const read = (
  path: string,
  offset: number,
  maxBytes: number
): Effect.Effect<Uint8Array | undefined, VirtualizerError> =>
  Effect.tryPromise({
    try: async () => {
      try {
        await using file = await Fs.promises.open(path, flags)
        const { buffer, position } = part(await file.stat(), offset, maxBytes)
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
        return buffer.subarray(0, bytesRead)
      } catch (cause) {
        if (isNotFound(cause)) return undefined
        throw cause
      }
    },
    catch: (cause) => failure(path, cause)
  })

/** Like {@link read}, as text. */
export const readText = (
  path: string,
  offset: number,
  maxBytes: number
): Effect.Effect<string | undefined, VirtualizerError> =>
  Effect.map(read(path, offset, maxBytes), (bytes) => bytes && new TextDecoder().decode(bytes))

/**
 * The beginning of a small file, as text. Read synchronously: it takes microseconds, where the thread pool, which many
 * guests share, would take the better part of a millisecond.
 */
export const readSmall = (path: string, maxBytes: number): Effect.Effect<string | undefined, VirtualizerError> =>
  Effect.try({
    try: () => {
      let file: number | undefined
      try {
        file = Fs.openSync(path, flags)
        const { buffer, position } = part(Fs.fstatSync(file), 0, maxBytes)
        return new TextDecoder().decode(buffer.subarray(0, Fs.readSync(file, buffer, 0, buffer.length, position)))
      } catch (cause) {
        if (isNotFound(cause)) return undefined
        throw cause
      } finally {
        if (file !== undefined) Fs.closeSync(file)
      }
    },
    catch: (cause) => failure(path, cause)
  })
