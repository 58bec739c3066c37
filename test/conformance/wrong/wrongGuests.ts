/**
 * Virtualizers that get wrong how a guest begins, and how it ends by itself.
 */
import { Effect, Fiber, Stream } from "effect"
import type { ExitStatus } from "../../../src/domain/ExitStatus.ts"
import type { Ended } from "../../../src/Virtualizer.ts"
import { guests, monitors, type Wrong } from "./Wrong.ts"

/** Says something else of an end. */
const retold = (retell: (status: ExitStatus) => ExitStatus) =>
  monitors(({ monitor }) => ({
    ended: Effect.map(
      monitor.ended,
      (ended): Ended => ended._tag === "Exited" ? { _tag: "Exited", status: retell(ended.status) } : ended
    )
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
        Effect.flatMap(
          Stream.runHead(Stream.filter(monitor.events, ({ _tag }) => _tag === "Rebooted")),
          (reboot): Effect.Effect<Ended> =>
            reboot._tag === "None" ? Effect.never : Effect.succeed({ _tag: "Exited", status: { _tag: "Unknown" } })
        )
      )
    })),
    fails: [
      "a reboot is told, and is no end"
    ]
  },
  {
    name: "does not tell that a guest rebooted",
    change: monitors(({ monitor }) => ({
      events: Stream.filter(monitor.events, ({ _tag }) => _tag !== "Rebooted")
    })),
    fails: [
      "a reboot is told, and is no end"
    ]
  },
  {
    name: "tells events for ever",
    change: monitors(({ monitor }) => ({ events: Stream.concat(monitor.events, Stream.never) })),
    fails: [
      "events end with the monitor, and with the guest",
      "pause and resume are told as events, once each"
    ]
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
