/**
 * Virtualizers that get wrong what is left of instances that nobody has a spec of.
 */
import { Effect } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { fail, HostFailure } from "../../../src/VirtualizerError.ts"
import type { Wrong } from "./Wrong.ts"

export const wrongDiscards: ReadonlyArray<Wrong> = [
  {
    name: "discards nothing",
    change: (virtualizer) => ({ ...virtualizer, discard: () => Effect.void }),
    fails: [
      "discard removes every trace, for a launcher that has no spec, and the instance can be made again",
      "discard removes what is left of a guest that was ended, and how it ended",
      "discard of what is not there succeeds, as often as it is asked for",
      "discard is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "discards those instances only that it has a spec of",
    change: (virtualizer) => {
      const made = new Set<InstanceId>()
      return {
        ...virtualizer,
        make: (spec, directory) => {
          made.add(spec.id)
          return virtualizer.make(spec, directory)
        },
        discard: (id, directory) => made.has(id) ? virtualizer.discard(id, directory) : Effect.void
      }
    },
    fails: [
      "discard removes every trace, for a launcher that has no spec, and the instance can be made again",
      "discard removes what is left of a guest that was ended, and how it ended",
      "discard is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "discards all but the disk",
    change: (virtualizer, host) => ({
      ...virtualizer,
      discard: (id, directory) =>
        Effect.suspend(() => {
          const hadDisk = host.remains(id).includes("disk")
          return Effect.andThen(
            virtualizer.discard(id, directory),
            Effect.sync(() => {
              if (hadDisk) host.claim(id).disk = "whole"
            })
          )
        })
    }),
    fails: [
      "discard removes every trace, for a launcher that has no spec, and the instance can be made again",
      "discard removes what is left of a guest that was ended, and how it ended",
      "discard of what is not there succeeds, as often as it is asked for",
      "discard is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "remembers how the guest of a discarded instance ended",
    change: (virtualizer, host) => ({
      ...virtualizer,
      discard: (id, directory) =>
        Effect.suspend(() => {
          const lastExit = host.place(id)?.lastExit
          return Effect.andThen(
            virtualizer.discard(id, directory),
            Effect.sync(() => {
              if (lastExit !== undefined) host.claim(id).lastExit = lastExit
            })
          )
        })
    }),
    fails: [
      "discard removes what is left of a guest that was ended, and how it ended"
    ]
  },
  {
    name: "fails to discard what is not there",
    change: (virtualizer, host) => ({
      ...virtualizer,
      discard: (id, directory) =>
        Effect.suspend(() =>
          host.remains(id).length === 0
            ? Effect.fail(fail(new HostFailure({ detail: "there is nothing to discard" })))
            : virtualizer.discard(id, directory)
        )
    }),
    fails: [
      "discard of what is not there succeeds, as often as it is asked for"
    ]
  },
  {
    name: "discards all instances whose ids begin as the one's that is meant",
    change: (virtualizer, host) => {
      const ids = new Set<InstanceId>()
      host.observe((occurrence) => {
        if (occurrence._tag === "DiskCreated") ids.add(occurrence.id)
      })
      return {
        ...virtualizer,
        discard: (id, directory) =>
          Effect.andThen(
            virtualizer.discard(id, directory),
            Effect.sync(() => {
              for (const other of ids) if (other.startsWith(id)) host.place(other)?.clear()
            })
          )
      }
    },
    fails: [
      "discard leaves all other instances as they are"
    ]
  },
  {
    name: "ends all guests when it discards one instance",
    change: (virtualizer, host) => ({
      ...virtualizer,
      discard: (id, directory) =>
        Effect.andThen(
          virtualizer.discard(id, directory),
          Effect.sync(() => {
            for (const { id } of host.guests) host.crash(id, { _tag: "Unknown" })
          })
        )
    }),
    fails: [
      "discard leaves all other instances as they are"
    ]
  },
  {
    name: "leaves half a disk when discarding it is interrupted",
    change: (virtualizer, host) => ({
      ...virtualizer,
      discard: (id, directory) =>
        Effect.onInterrupt(virtualizer.discard(id, directory), () =>
          Effect.sync(() => {
            host.claim(id).disk = "partial"
          }))
    }),
    fails: [
      "discard is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  }
]
