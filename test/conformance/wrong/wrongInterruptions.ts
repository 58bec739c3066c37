/**
 * Virtualizers that get wrong what an interruption leaves, or that can not be interrupted.
 */
import { Effect, Fiber, Stream } from "effect"
import { type Change, guests, monitors, type Wrong } from "./Wrong.ts"

/** An operation that can not be interrupted. */
const deaf = (operation: string, change: Change, ...fails: ReadonlyArray<string>): Wrong => ({
  name: `can not be interrupted in ${operation}`,
  change,
  fails: [`${operation} is interrupted in each of its phases, leaves nothing half-done, and can be repeated`, ...fails]
})

export const wrongInterruptions: ReadonlyArray<Wrong> = [
  deaf("discover", (virtualizer) => ({
    ...virtualizer,
    discover: Stream.fromIterableEffect(Effect.uninterruptible(Stream.runCollect(virtualizer.discover)))
  })),
  deaf("destroy", (virtualizer) => ({
    ...virtualizer,
    destroy: (found) => Effect.uninterruptible(virtualizer.destroy(found))
  })),
  deaf("discard", (virtualizer) => ({
    ...virtualizer,
    discard: (id, directory) => Effect.uninterruptible(virtualizer.discard(id, directory))
  })),
  deaf("probe", guests(({ guest }) => ({ probe: Effect.uninterruptible(guest.probe) }))),
  deaf(
    "ensureBackingImage",
    guests(({ guest }) => ({
      ensureBackingImage: Stream.fromIterableEffect(Effect.uninterruptible(Stream.runCollect(guest.ensureBackingImage)))
    }))
  ),
  deaf(
    "createImage",
    guests(({ guest }) => ({ createImage: (boot) => Effect.uninterruptible(guest.createImage(boot)) }))
  ),
  deaf("deleteImage", guests(({ guest }) => ({ deleteImage: Effect.uninterruptible(guest.deleteImage) }))),
  deaf("start", guests(({ guest }) => ({ start: (boot) => Effect.uninterruptible(guest.start(boot)) }))),
  deaf("monitor", guests(({ guest }) => ({ monitor: Effect.uninterruptible(guest.monitor) }))),
  deaf("kill", guests(({ guest }) => ({ kill: Effect.uninterruptible(guest.kill) }))),
  deaf("stats", guests(({ guest }) => ({ stats: Effect.uninterruptible(guest.stats) }))),
  deaf("status", monitors(({ monitor }) => ({ status: Effect.uninterruptible(monitor.status) }))),
  deaf(
    "stop",
    monitors(({ monitor }) => ({ stop: (grace) => Effect.uninterruptible(monitor.stop(grace)) })),
    "stop that is interrupted leaves the guest asked, and can be repeated"
  ),
  deaf("pause", monitors(({ monitor }) => ({ pause: Effect.uninterruptible(monitor.pause) }))),
  deaf("resume", monitors(({ monitor }) => ({ resume: Effect.uninterruptible(monitor.resume) }))),
  deaf(
    "attachVolume",
    monitors(({ monitor }) => ({ attachVolume: (volume) => Effect.uninterruptible(monitor.attachVolume(volume)) }))
  ),
  deaf(
    "detachVolume",
    monitors(({ monitor }) => ({ detachVolume: (volume) => Effect.uninterruptible(monitor.detachVolume(volume)) }))
  ),
  {
    name: "leaves half an image when its fetching is interrupted",
    change: guests(({ guest, host, spec }) => ({
      ensureBackingImage: Stream.fromIterableEffect(
        Effect.onInterrupt(Stream.runCollect(guest.ensureBackingImage), () =>
          Effect.sync(() => {
            host.claim(spec.id).image = "partial"
          }))
      )
    })),
    fails: [
      "ensureBackingImage is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "leaves half a disk when its making is interrupted",
    change: guests(({ guest, host, spec }) => ({
      createImage: (boot) =>
        Effect.onInterrupt(guest.createImage(boot), () =>
          Effect.sync(() => {
            host.claim(spec.id).disk = "partial"
          }))
    })),
    fails: [
      "createImage is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "leaves the guest of a start that was interrupted",
    change: guests(({ guest, host, spec }) => ({
      start: (boot) =>
        Effect.onInterrupt(
          guest.start(boot),
          () => Effect.sync(() => host.spawn(spec.id, boot.volumes, { _tag: "PoweredOff" }))
        )
    })),
    fails: [
      "start is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "goes on with a start that was interrupted",
    change: guests(({ guest, scope }) => ({
      start: (boot) => Effect.flatMap(Effect.forkIn(guest.start(boot), scope), (fiber) => Fiber.join(fiber))
    })),
    fails: [
      "start is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "leaves a volume that was about to be attached, and does not tell",
    change: monitors(({ host, monitor, spec }) => {
      const hidden = new Set<string>()
      return {
        attachVolume: (volume) =>
          Effect.onInterrupt(monitor.attachVolume(volume), () =>
            Effect.sync(() => {
              const machine = host.machine(spec.id)
              hidden.add(volume.id)
              if (machine !== undefined) host.attach(machine, volume)
            })),
        status: Effect.map(
          monitor.status,
          (status) => ({ ...status, volumes: status.volumes.filter((id) => !hidden.has(id)) })
        )
      }
    }),
    fails: [
      "attachVolume is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "can not be monitored again when that was interrupted",
    change: guests(({ guest, host, spec }) => ({
      monitor: Effect.onInterrupt(guest.monitor, () =>
        Effect.sync(() => {
          const machine = host.machine(spec.id)
          if (machine !== undefined) {
            machine.watcher = {
              isOver: false,
              onConnected: () => {},
              onEvent: () => {},
              onExited: () => {},
              onLost: () => {}
            }
          }
        }))
    })),
    fails: [
      "monitor is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  }
]
