/**
 * Virtualizers that get wrong what is asked of a running guest, or do what they do not declare.
 */
import { Effect, Ref, Stream } from "effect"
import type { GuestStatus } from "../../../src/Virtualizer.ts"
import { AttachFailed, DetachFailed, fail, Unreachable } from "../../../src/VirtualizerError.ts"
import { copyMonitor, guests, monitors, type Wrong } from "./Wrong.ts"

const unreachable = fail(new Unreachable({ detail: "it is so already" }))

export const wrongCommands: ReadonlyArray<Wrong> = [
  {
    name: "fails to pause a guest that is paused",
    change: monitors(({ monitor }) => ({
      pause: Effect.flatMap(monitor.status, ({ paused }) => paused ? Effect.fail(unreachable) : monitor.pause)
    })),
    fails: [
      "pause and resume can be repeated, and status tells which is so",
      "pause and resume are told as events, once each"
    ]
  },
  {
    name: "fails to resume a guest that is not paused",
    change: monitors(({ monitor }) => ({
      resume: Effect.flatMap(monitor.status, ({ paused }) => paused ? monitor.resume : Effect.fail(unreachable))
    })),
    fails: [
      "pause and resume can be repeated, and status tells which is so",
      "pause and resume are told as events, once each"
    ]
  },
  {
    name: "says that a guest ended which is paused",
    change: guests(({ guest, host, spec }) => ({
      probe: Effect.map(
        guest.probe,
        (probe) => host.machine(spec.id)?.isPaused === true ? { _tag: "Created", lastExit: undefined } as const : probe
      )
    })),
    fails: [
      "pause and resume can be repeated, and status tells which is so"
    ]
  },
  {
    name: "does not know that a guest has ended which it is to pause",
    change: monitors(({ monitor }) => ({
      pause: Effect.mapError(monitor.pause, () => unreachable)
    })),
    fails: [
      "pause and resume of a guest that has ended answer that it is not running"
    ]
  },
  {
    name: "does not know that a guest has ended whose volume it is to detach",
    change: monitors(({ monitor }) => ({
      detachVolume: (volume) =>
        Effect.catchIf(
          monitor.detachVolume(volume),
          ({ reason }) => reason._tag === "NotRunning",
          () => Effect.void
        )
    })),
    fails: [
      "volumes of a guest that has ended are neither attached nor detached, since it is not running"
    ]
  },
  {
    name: "attaches one volume at a time, and refuses another",
    change: monitors(({ monitor }) => {
      const isBusy = Ref.makeUnsafe(false)
      return {
        attachVolume: (volume) =>
          Effect.flatMap(Ref.getAndSet(isBusy, true), (busy) =>
            busy
              ? Effect.fail(fail(new AttachFailed({ volume: volume.id, detail: "another is being attached" })))
              : Effect.ensuring(monitor.attachVolume(volume), Ref.set(isBusy, false)))
      }
    }),
    fails: [
      "several fibers attach, detach and ask at once, and all get their answers"
    ]
  },
  {
    name: "does not pause a guest",
    change: monitors(() => ({ pause: Effect.void })),
    fails: [
      "pause and resume can be repeated, and status tells which is so",
      "pause and resume are told as events, once each",
      "pause and resume of a guest that has ended answer that it is not running",
      "a guest that was paused is adopted as paused, and stays so",
      "pause and resume of a guest that is frozen fail in time",
      "pause is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "tells every pause twice",
    change: monitors(({ monitor }) => ({
      follow: (follower) =>
        monitor.follow({
          onEvent: (event) => {
            follower.onEvent(event)
            if (event._tag === "Paused") follower.onEvent(event)
          },
          onEnded: (ended) => follower.onEnded(ended)
        })
    })),
    fails: [
      "pause and resume are told as events, once each"
    ]
  },
  {
    name: "tells from memory whether a guest is paused",
    change: monitors(({ monitor }) => {
      const seen = Ref.makeUnsafe<GuestStatus | undefined>(undefined)
      return {
        status: Effect.flatMap(
          Ref.get(seen),
          (status) =>
            status === undefined
              ? Effect.tap(monitor.status, (status) => Ref.set(seen, status))
              : Effect.succeed(status)
        )
      }
    }),
    fails: [
      "pause and resume can be repeated, and status tells which is so",
      "a volume is attached and detached, and doing so again changes nothing",
      "a volume that the guest was launched with can be detached, and another attached beside it",
      "an attachment that fails is undone, harms nothing, and the next one succeeds",
      "several fibers attach, detach and ask at once, and all get their answers",
      "a guest that was paused is adopted as paused, and stays so",
      "attachVolume is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "fails to attach a volume that the guest has",
    change: monitors(({ monitor }) => ({
      attachVolume: (volume) =>
        Effect.flatMap(monitor.status, ({ volumes }) =>
          volumes.includes(volume.id)
            ? Effect.fail(fail(new AttachFailed({ volume: volume.id, detail: "the guest has it" })))
            : monitor.attachVolume(volume))
    })),
    fails: [
      "a volume is attached and detached, and doing so again changes nothing",
      "volumes that were attached are known to the launcher that adopts, and can be detached by it"
    ]
  },
  {
    name: "attaches a volume twice",
    change: monitors(({ host, monitor, spec }) => ({
      attachVolume: (volume) =>
        Effect.suspend(() => {
          const machine = host.machine(spec.id)
          if (machine === undefined || !machine.has(volume.id)) return monitor.attachVolume(volume)
          machine.volumes = [...machine.volumes, volume]
          return Effect.void
        })
    })),
    fails: [
      "a volume is attached and detached, and doing so again changes nothing"
    ]
  },
  {
    name: "fails to detach a volume that the guest does not have",
    change: monitors(({ monitor }) => ({
      detachVolume: (volume) =>
        Effect.flatMap(monitor.status, ({ volumes }) =>
          volumes.includes(volume)
            ? monitor.detachVolume(volume)
            : Effect.fail(fail(new DetachFailed({ volume, detail: "the guest does not have it" }))))
    })),
    fails: [
      "a volume is attached and detached, and doing so again changes nothing",
      "detachVolume of one that the guest does not have succeeds"
    ]
  },
  {
    name: "can not detach the volumes that a guest was launched with",
    change: guests(({ guest }) => {
      const own = new Set<string>()
      return {
        start: (boot) =>
          Effect.suspend(() => {
            for (const { id } of boot.volumes) own.add(id)
            return guest.start(boot)
          }),
        monitor: Effect.map(guest.monitor, (monitor) => ({
          ...copyMonitor(monitor),
          detachVolume: (volume) =>
            own.has(volume)
              ? Effect.fail(fail(new DetachFailed({ volume, detail: "it is soldered on" })))
              : monitor.detachVolume(volume)
        }))
      }
    }),
    fails: [
      "a volume that the guest was launched with can be detached, and another attached beside it",
      "volumes of a guest that has ended are neither attached nor detached, since it is not running",
      "several fibers attach, detach and ask at once, and all get their answers",
      "detachVolume is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "returns from a detachment before the guest has let go of the volume",
    change: monitors(({ monitor, watching }) => ({
      detachVolume: (volume) => Effect.asVoid(Effect.forkIn(monitor.detachVolume(volume), watching))
    })),
    fails: [
      "a volume is attached and detached, and doing so again changes nothing",
      "a volume that the guest was launched with can be detached, and another attached beside it",
      "volumes of a guest that has ended are neither attached nor detached, since it is not running",
      "several fibers attach, detach and ask at once, and all get their answers",
      "volumes that were attached are known to the launcher that adopts, and can be detached by it",
      "volumes are neither attached to nor detached from a guest that is frozen, which is told in time",
      "detachVolume is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "leaves half of an attachment that failed",
    change: monitors(({ host, monitor, spec }) => ({
      attachVolume: (volume) =>
        Effect.tapError(monitor.attachVolume(volume), () =>
          Effect.sync(() => {
            const machine = host.machine(spec.id)
            if (machine !== undefined) host.attach(machine, volume)
          }))
    })),
    fails: [
      "an attachment that fails is undone, harms nothing, and the next one succeeds"
    ]
  },
  {
    name: "kills a guest to which a volume could not be attached",
    change: monitors(({ guest, monitor }) => ({
      attachVolume: (volume) => Effect.tapError(monitor.attachVolume(volume), () => guest.kill)
    })),
    fails: [
      "an attachment that fails is undone, harms nothing, and the next one succeeds",
      "volumes are neither attached to nor detached from a guest that is frozen, which is told in time"
    ]
  },
  {
    name: "pauses and resumes guests and does not declare it",
    capabilities: { pause: false },
    change: monitors(({ host, spec }) => ({
      pause: Effect.sync(() => host.machine(spec.id)?.pause(true)),
      resume: Effect.sync(() => host.machine(spec.id)?.pause(false))
    })),
    fails: [
      "pause and resume that are not declared are refused, and change nothing"
    ]
  },
  {
    name: "attaches and detaches volumes and does not declare it",
    capabilities: { liveVolumes: false },
    change: monitors(({ host, spec }) => ({
      attachVolume: (volume) =>
        Effect.sync(() => {
          const machine = host.machine(spec.id)
          if (machine !== undefined) host.attach(machine, volume)
        })
    })),
    fails: [
      "volumes of a running guest that are not declared are refused, and change nothing"
    ]
  },
  {
    name: "has a console and does not declare it",
    capabilities: { console: false },
    change: guests(() => ({ console: { log: () => Stream.empty, connect: Effect.never } })),
    fails: [
      "a console that is not declared is refused"
    ]
  }
]
