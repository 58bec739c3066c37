/**
 * Virtualizers that get wrong which guests there are, and which of them is meant.
 */
import { Effect, Stream } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import { fail, HostFailure, NotRunning } from "../../../src/VirtualizerError.ts"
import { guests, type Wrong } from "./Wrong.ts"

export const wrongDiscoveries: ReadonlyArray<Wrong> = [
  {
    name: "discovers only the guests that it launched",
    change: (virtualizer, host) => {
      const earlier = new Set(host.guests.map(({ pid }) => `pid ${pid}`))
      return {
        ...virtualizer,
        discover: Stream.filter(virtualizer.discover, ({ handle }) => !earlier.has(handle))
      }
    },
    fails: [
      "a guest outlives its launcher, and another adopts the same one, which it can stop",
      "discover tells every guest that is there and none that is not, to a launcher that knows of none",
      "a guest that was discovered is destroyed by force, and its files and the other guests are left",
      "a guest whose launch nobody waited for to connect is destroyed too"
    ]
  },
  {
    name: "discovers all guests but one, where there are several",
    change: (virtualizer) => ({
      ...virtualizer,
      discover: Stream.unwrap(
        Effect.map(
          Stream.runCollect(virtualizer.discover),
          (all) => Stream.fromIterable(all.length > 1 ? all.slice(1) : all)
        )
      )
    }),
    fails: [
      "discover tells every guest that is there and none that is not, to a launcher that knows of none",
      "a guest that was discovered is destroyed by force, and its files and the other guests are left"
    ]
  },
  {
    name: "discovers guests that have ended",
    change: (virtualizer, host) => {
      const seen = new Map<InstanceId, { readonly id: InstanceId; readonly handle: string }>()
      host.observe((occurrence) => {
        if (occurrence._tag === "Ended") seen.set(occurrence.id, { id: occurrence.id, handle: `pid ${occurrence.pid}` })
      })
      return {
        ...virtualizer,
        discover: Stream.concat(
          virtualizer.discover,
          Stream.suspend(() =>
            Stream.fromIterable([...seen.values()].filter(({ id }) => host.machine(id) === undefined))
          )
        )
      }
    },
    fails: [
      "a launch that fails says so each time, and leaves no guest",
      "a guest that does not connect can be stopped",
      "a guest that is ended from outside has exited, and not by itself",
      "a guest whose launch nobody waited for to connect is destroyed too"
    ]
  },
  {
    name: "destroys a guest's disk too",
    change: (virtualizer, host) => ({
      ...virtualizer,
      destroy: (found) => Effect.tap(virtualizer.destroy(found), () => Effect.sync(() => host.place(found.id)?.clear()))
    }),
    fails: [
      "a guest that was discovered is destroyed by force, and its files and the other guests are left"
    ]
  },
  {
    name: "destroys every guest",
    change: (virtualizer) => ({
      ...virtualizer,
      destroy: () => Stream.runForEach(virtualizer.discover, virtualizer.destroy)
    }),
    fails: [
      "a guest that was discovered is destroyed by force, and its files and the other guests are left"
    ]
  },
  {
    name: "asks a guest to end that it is to destroy",
    change: (virtualizer, host) => ({
      ...virtualizer,
      destroy: (found) =>
        Effect.suspend(() => {
          const machine = host.machine(found.id)
          if (machine === undefined) return Effect.void
          machine.press()
          return Effect.timeoutOrElse(machine.until(() => !machine.isThere), {
            duration: "1 minute",
            orElse: () => Effect.fail(fail(new HostFailure({ detail: "it did not end" })))
          })
        })
    }),
    fails: [
      "a guest that was discovered is destroyed by force, and its files and the other guests are left",
      "a guest whose launch nobody waited for to connect is destroyed too",
      "destroy is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "does not destroy a guest that has not connected",
    change: (virtualizer, host) => ({
      ...virtualizer,
      destroy: (found) =>
        Effect.suspend(() =>
          host.machine(found.id)?.isConnected === false
            ? Effect.fail(fail(new NotRunning()))
            : virtualizer.destroy(found)
        )
    }),
    fails: [
      "a guest whose launch nobody waited for to connect is destroyed too",
      "destroy is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "deletes the images of all instances with one",
    change: guests(({ guest, host }) => ({
      deleteImage: Effect.tap(guest.deleteImage, () =>
        Effect.sync(() => {
          for (const { id } of host.guests) host.place(id)?.clear()
        }))
    })),
    fails: [
      "two instances at once do not disturb each other"
    ]
  }
]
