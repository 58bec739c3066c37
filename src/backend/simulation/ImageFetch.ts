/**
 * Fetching what a simulated guest boots from.
 */
import { type Cause, Effect, Queue, Stream } from "effect"
import type { ImageProgress } from "../../domain/Image.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import { fail, ImageUnusable, NoSpace, type VirtualizerError } from "../../VirtualizerError.ts"
import { lag, operation, type Reach, whole, type Work } from "./Reach.ts"
import { imageBytes, notThere, sourceOf } from "./SimulatedImage.ts"

const pieces = [1, 2, 3, 4] as const

/** How a fetch goes. */
interface Plan {
  /** How much longer than usual it takes. */
  readonly slowMillis: number
  /** Why it fails half-way, if it does. */
  readonly failure: VirtualizerError | undefined
}

/** Fetches what an instance boots from, unless that is there. A volume is there already, and has no progress. */
export const fetch = (reach: Reach, spec: InstanceSpec): Stream.Stream<ImageProgress, VirtualizerError> =>
  Stream.unwrap(reach.fence.act(() => {
    const { host } = reach
    const isThere = host.place(spec.id)?.image === "whole"
    const plan = isThere ? undefined : draw(reach, spec)
    if (
      plan !== undefined && (plan.failure !== undefined || plan.slowMillis > 0 || host.conditions.takesTime("image"))
    ) {
      return Stream.callback((queue) =>
        Effect.andThen(
          operation(reach, spec.id, "ensureBackingImage", carryOut(reach, spec, plan, queue)),
          Queue.end(queue)
        )
      )
    }
    // It takes no time: all is done in this act.
    const begun = host.begin(spec.id, "ensureBackingImage")
    if (!isThere) workOn(reach, spec, Effect.void).commit()
    host.finish(spec.id, begun)
    return Stream.fromIterable(progress(spec, isThere ? pieces.length : 1))
  }))

const draw = ({ host }: Reach, { boot, id }: InstanceSpec): Plan => {
  const { conditions } = host
  const path = sourceOf(boot)
  return {
    slowMillis: host.strikes("slowImage", id) ? conditions.dice("time slowImage").between(5_000, 60_000) : 0,
    failure: host.missing.has(path)
      ? notThere(path)
      : host.strikes("failingImage", id)
      ? fail(new ImageUnusable({ path, detail: "it could not be fetched: try again" }))
      : host.strikes("diskFull", id)
      ? fail(new NoSpace({ path }))
      : undefined
  }
}

const workOn = ({ host }: Reach, { id }: InstanceSpec, work: Work["work"]): Work => ({
  begin: () => {
    const place = host.claim(id)
    place.sweep()
    place.image = "partial"
  },
  work,
  commit: () => {
    host.claim(id).image = "whole"
    host.conditions.tell({ _tag: "ImageFetched", id })
  },
  rollBack: () => {
    host.claim(id).image = "absent"
    host.tidy(id)
  }
})

/** What is told of an image, from this piece on. */
const progress = ({ boot }: InstanceSpec, from: number): ReadonlyArray<ImageProgress> => {
  const totalBytes = imageBytes(boot)
  return boot.kind === "volume"
    ? []
    : pieces.slice(from - 1).map((piece) => ({ doneBytes: totalBytes / pieces.length * piece, totalBytes }))
}

const carryOut = (
  reach: Reach,
  spec: InstanceSpec,
  { failure, slowMillis }: Plan,
  queue: Queue.Enqueue<ImageProgress, VirtualizerError | Cause.Done>
): Effect.Effect<void, VirtualizerError> => {
  const told = progress(spec, 1)
  const slow = slowMillis === 0 ? Effect.void : Effect.sleep(Math.ceil(slowMillis / pieces.length))
  const piece = (_: number, index: number) =>
    Effect.andThen(
      Effect.andThen(lag(reach, "image"), slow),
      reach.fence.actEffect(() => {
        if (failure !== undefined && index >= pieces.length / 2) return Effect.fail(failure)
        return Queue.offerAll(queue, told.slice(index, index + 1))
      })
    )
  return whole(reach, spec.id, workOn(reach, spec, Effect.forEach(pieces, piece, { discard: true })))
}
