/**
 * Reading what a guest's process wrote. That process is not trusted: it may have put a link, a device or a pipe where its
 * file should be. Only regular files are read, no link is followed, and no more than was asked for.
 */
import { constants } from "node:fs"
import * as Fs from "node:fs/promises"
import { Effect, Predicate } from "effect"
import { fail, HostFailure, type VirtualizerError } from "../../VirtualizerError.ts"

const isNotFound = (cause: unknown): boolean =>
  Predicate.hasProperty(cause, "code") && (cause.code === "ENOENT" || cause.code === "ENOTDIR")

/**
 * At most `maxBytes` of the file from `offset` on; a negative offset counts from its end. Empty at the end of the file,
 * and nothing when there is no file. Fails with `HostFailure`.
 */
export const read = Effect.fnUntraced(function*(
  path: string,
  offset: number,
  maxBytes: number
): Effect.fn.Return<Uint8Array | undefined, VirtualizerError> {
  return yield* Effect.tryPromise({
    try: async () => {
      try {
        await using file = await Fs.open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
        const stat = await file.stat()
        if (!stat.isFile()) throw new Error("it is not a regular file")
        const position = offset < 0 ? Math.max(0, stat.size + offset) : offset
        const buffer = new Uint8Array(Math.max(0, Math.min(maxBytes, stat.size - position)))
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
        return buffer.subarray(0, bytesRead)
      } catch (cause) {
        if (isNotFound(cause)) return undefined
        throw cause
      }
    },
    catch: (cause) =>
      fail(
        new HostFailure({
          detail: `${path} can not be read: ${Predicate.isError(cause) ? cause.message : String(cause)}`
        })
      )
  })
})

/** Like {@link read}, as text. */
export const readText = (
  path: string,
  offset: number,
  maxBytes: number
): Effect.Effect<string | undefined, VirtualizerError> =>
  Effect.map(read(path, offset, maxBytes), (bytes) => bytes && new TextDecoder().decode(bytes))
