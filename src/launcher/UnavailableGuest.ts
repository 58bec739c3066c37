/**
 * Stands in for a guest whose virtualizer this node does not have any more. Whether it runs can not be known, so nothing of
 * it is touched.
 */
import { Effect, Stream } from "effect"
import type { Guest } from "../Virtualizer.ts"
import { fail, NotSupported, Unreachable } from "../VirtualizerError.ts"

/** A guest of which nothing can be known, because of `why`. */
export const make = (why: string): Guest => {
  const unreachable = Effect.fail(fail(new Unreachable({ detail: why })))
  const notSupported = Effect.fail(fail(new NotSupported({ what: why })))
  return {
    probe: unreachable,
    ensureBackingImage: Stream.fromEffect(unreachable),
    createImage: () => unreachable,
    deleteImage: unreachable,
    start: () => unreachable,
    monitor: unreachable,
    kill: unreachable,
    stats: unreachable,
    console: { log: () => Stream.fromEffect(notSupported), connect: notSupported }
  }
}
