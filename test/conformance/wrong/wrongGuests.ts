/**
 * Virtualizers that get wrong how a guest begins, and how it ends by itself.
 */
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import type { ExitStatus } from "../../../src/domain/ExitStatus.ts"
import type { Ended, Monitor } from "../../../src/Virtualizer.ts"
import { guests, monitors, type Wrong } from "./Wrong.ts"

/** Says something else of an end. */
const retold = (retell: (status: ExitStatus) => ExitStatus) =>
  monitors(({ monitor }) => ({
    ended: Effect.map(
      monitor.ended,
      (ended): Ended => ended._tag === "Exited" ? { _tag: "Exited", status: retell(ended.status) } : ended
    )
  }))

const endIsTold = "the end is told once to who follows, also to who comes late, and to nobody who follows no more"

/** Completes when a guest reboots. */
const rebooted = (monitor: Monitor): Effect.Effect<void> =>
  Effect.scoped(Effect.gen(function*() {
    const reboot = Deferred.makeUnsafe<void>()
    yield* monitor.follow({
      onEvent: ({ _tag }) => {
        if (_tag === "Rebooted") Deferred.doneUnsafe(reboot, Exit.void)
      },
      onEnded: () => {}
    })
    yield* Deferred.await(reboot)
  }))

export const wrongGuests: ReadonlyArray<Wrong> = [
  {
    name: "returns from a start before the guest is there",
    change: guests(({ guest, scope }) => {
      let starting: Effect.Effect<unknown> = Effect.void
      return {
        start: (boot) =>
          Effect.map(Effect.forkIn(guest.start(boot), scope), (fiber) => {
            starting = Fiber.await(fiber)
          }),
        monitor: Effect.andThen(Effect.suspend(() => starting), guest.monitor),
        kill: Effect.andThen(Effect.suspend(() => starting), guest.kill)
      }
    }),
    fails: [
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "a start that has returned has a guest, which everybody can see",
      "a launch that fails says so each time, and leaves no guest",
      "a guest that was launched and never watched is adopted, and connects",
      "discover is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "destroy is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "start is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "monitor is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "discard removes every trace, for a launcher that has no spec, and the instance can be made again",
      "discard leaves all other instances as they are"
    ]
  },
  {
    name: "launches a guest without its volumes",
    change: guests(({ guest }) => ({ start: (boot) => guest.start({ ...boot, volumes: [] }) })),
    fails: [
      "a guest has the volumes that it was launched with",
      "a volume that the guest was launched with can be detached, and another attached beside it",
      "volumes are neither attached to nor detached from a guest that is frozen, which is told in time"
    ]
  },
  {
    name: "says nothing of the volumes that a guest was launched with",
    change: monitors(({ monitor }) => ({
      connected: Effect.map(monitor.connected, (status) => ({ ...status, volumes: [] }))
    })),
    fails: [
      "a guest has the volumes that it was launched with",
      "volumes that were attached are known to the launcher that adopts, and can be detached by it"
    ]
  },
  {
    name: "leaves the guest of a launch that failed",
    change: guests(({ guest, host, spec }) => ({
      start: (boot) =>
        Effect.tapError(
          guest.start(boot),
          () => Effect.sync(() => host.spawn(spec.id, [], { _tag: "PoweredOff" }))
        )
    })),
    fails: [
      "a launch that fails says so each time, and leaves no guest"
    ]
  },
  {
    name: "says that a launch succeeded which failed",
    change: guests(({ guest }) => ({ start: (boot) => Effect.ignore(guest.start(boot)) })),
    fails: [
      "a launch that fails says so each time, and leaves no guest"
    ]
  },
  {
    name: "says that a guest is connected before it is",
    change: monitors(() => ({ connected: Effect.succeed({ paused: false, volumes: [] }) })),
    fails: [
      "a guest has the volumes that it was launched with",
      "a guest that does not connect is watched, and connected waits for ever, also when it ends",
      "a guest that was paused is adopted as paused, and stays so",
      "volumes that were attached are known to the launcher that adopts, and can be detached by it"
    ]
  },
  {
    name: "says that a guest connected when it ended",
    change: monitors(({ monitor }) => ({
      connected: Effect.raceFirst(
        monitor.connected,
        Effect.as(monitor.ended, { paused: false, volumes: [] })
      )
    })),
    fails: [
      "a guest that does not connect is watched, and connected waits for ever, also when it ends"
    ]
  },
  {
    name: "waits for a guest to connect before it stops it",
    change: monitors(({ monitor }) => ({
      stop: (grace) => Effect.andThen(Effect.raceFirst(monitor.connected, monitor.ended), monitor.stop(grace))
    })),
    fails: [
      "a guest that does not connect can be stopped"
    ]
  },
  {
    name: "does not know that a guest powered itself off",
    change: retold((status) => status._tag === "PoweredOff" ? { _tag: "Unknown" } : status),
    fails: [
      "a guest that powers itself off has ended so, told once and the same to everybody",
      "stop lets a guest that obeys power itself off, and returns when it is gone",
      "a guest outlives its launcher, and another adopts the same one, which it can stop"
    ]
  },
  {
    name: "says that a guest powered itself off which was ended",
    change: retold((status) => status._tag === "Unknown" ? { _tag: "PoweredOff" } : status),
    fails: [
      "a guest that is ended from outside has exited, and not by itself"
    ]
  },
  {
    name: "takes a panic for a power-off",
    change: retold((status) => status._tag === "Panicked" ? { _tag: "PoweredOff" } : status),
    fails: [
      "a guest that panics has ended as panicked"
    ]
  },
  {
    name: "makes up how a guest ended, when it is asked later",
    change: guests(({ guest }) => ({
      probe: Effect.map(
        guest.probe,
        (probe) =>
          probe._tag === "Created" && probe.lastExit !== undefined
            ? { ...probe, lastExit: { _tag: "PoweredOff" } as const }
            : probe
      )
    })),
    fails: [
      "a guest that is ended from outside has exited, and not by itself",
      "a guest that panics has ended as panicked",
      "a guest that was ended while nobody watched is told to be gone"
    ]
  },
  {
    name: "takes a reboot for an end",
    change: monitors(({ monitor }) => ({
      ended: Effect.raceFirst(
        monitor.ended,
        Effect.as(rebooted(monitor), { _tag: "Exited", status: { _tag: "Unknown" } } as const)
      )
    })),
    fails: [
      "a reboot is told, and is no end"
    ]
  },
  {
    name: "does not tell that a guest rebooted",
    change: monitors(({ monitor }) => ({
      follow: (follower) =>
        monitor.follow({
          onEvent: (event) => event._tag === "Rebooted" ? undefined : follower.onEvent(event),
          onEnded: (ended) => follower.onEnded(ended)
        })
    })),
    fails: [
      "a reboot is told, and is no end"
    ]
  },
  {
    name: "tells nobody who follows that the guest ended",
    change: monitors(({ monitor }) => ({
      follow: (follower) => monitor.follow({ onEvent: (event) => follower.onEvent(event), onEnded: () => {} })
    })),
    fails: [endIsTold]
  },
  {
    name: "tells twice that the guest ended",
    change: monitors(({ monitor }) => ({
      follow: (follower) => Effect.andThen(monitor.follow(follower), monitor.follow(follower))
    })),
    fails: [endIsTold, "pause and resume are told as events, once each", "a reboot is told, and is no end"]
  },
  {
    name: "does not tell who comes late that the guest ended",
    change: monitors(({ monitor }) => {
      let isOver = false
      return {
        follow: (follower) =>
          Effect.suspend(() =>
            isOver ? Effect.void : monitor.follow({
              onEvent: (event) => follower.onEvent(event),
              onEnded: (ended) => {
                isOver = true
                follower.onEnded(ended)
              }
            })
          )
      }
    }),
    fails: [endIsTold]
  },
  {
    name: "tells who follows no more that the guest ended",
    change: monitors(({ monitor, watching }) => ({
      follow: (follower) => Scope.provide(monitor.follow(follower), watching)
    })),
    fails: [endIsTold]
  },
  {
    name: "tells the status of a guest that has ended",
    change: monitors(({ monitor }) => ({
      status: Effect.catchIf(
        monitor.status,
        ({ reason }) => reason._tag === "NotRunning",
        () => Effect.succeed({ paused: false, volumes: [] })
      )
    })),
    fails: [
      "what is asked of a guest that is not there answers that it is not running"
    ]
  },
  {
    name: "dies of what it is to fail with",
    change: monitors(({ monitor }) => ({ status: Effect.orDie(monitor.status) })),
    fails: [
      "what is asked of a guest that is not there answers that it is not running",
      "a control channel that breaks is told as lost and never as an exit, and the guest is left alone",
      "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed"
    ]
  },
  {
    name: "tells what a guest uses that has ended",
    change: guests(({ guest }) => ({
      stats: Effect.catchIf(
        guest.stats,
        ({ reason }) => reason._tag === "NotRunning",
        () => Effect.succeed({})
      )
    })),
    fails: [
      "an instance that was never made is absent, and asking changes nothing",
      "what is asked of a guest that is not there answers that it is not running"
    ]
  }
]
