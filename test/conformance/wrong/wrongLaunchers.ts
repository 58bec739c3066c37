/**
 * Virtualizers that get wrong that launchers come and go.
 */
import { Effect, Ref, Scope } from "effect"
import type { GuestStatus, Probe } from "../../../src/Virtualizer.ts"
import { fail, Unreachable } from "../../../src/VirtualizerError.ts"
import { copyMonitor, guests, monitors, type Wrong } from "./Wrong.ts"

export const wrongLaunchers: ReadonlyArray<Wrong> = [
  {
    name: "ends its guests when it is closed",
    change: guests(({ guest, scope }) => ({
      start: (boot) => Effect.tap(guest.start(boot), () => Scope.addFinalizer(scope, Effect.ignore(guest.kill)))
    })),
    fails: [
      "a guest outlives its launcher, and another adopts the same one, which it can stop",
      "a guest that was launched and never watched is adopted, and connects",
      "a guest that was paused is adopted as paused, and stays so",
      "volumes that were attached are known to the launcher that adopts, and can be detached by it",
      "a guest that powered itself off while nobody watched is told to have done so",
      "discover tells every guest that is there and none that is not, to a launcher that knows of none",
      "monitor is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "ends a guest when its monitor is closed",
    change: guests(({ guest }) => ({
      monitor: Effect.andThen(Effect.addFinalizer(() => Effect.ignore(guest.kill)), guest.monitor)
    })),
    fails: [
      "the end is told once to who follows, also to who comes late, and to nobody who follows no more",
      "a guest outlives its launcher, and another adopts the same one, which it can stop",
      "closing a monitor leaves its guest as it is, and another can be taken at once",
      "a guest that was paused is adopted as paused, and stays so",
      "volumes that were attached are known to the launcher that adopts, and can be detached by it",
      "a guest that powered itself off while nobody watched is told to have done so",
      "a guest has at most one monitor at a time: another is refused, and the first is not disturbed",
      "a control channel that breaks is told as lost and never as an exit, and the guest is left alone",
      "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed",
      "discover tells every guest that is there and none that is not, to a launcher that knows of none",
      "monitor is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "launches a guest anew to adopt it",
    change: guests(({ guest, host, spec }) => ({
      monitor: Effect.suspend(() => {
        const machine = host.machine(spec.id)
        if (machine === undefined || !machine.answers) return guest.monitor
        const { volumes } = machine
        return guest.kill.pipe(
          Effect.andThen(guest.start({ volumes, networks: [] })),
          Effect.andThen(guest.monitor)
        )
      })
    })),
    fails: [
      "a guest outlives its launcher, and another adopts the same one, which it can stop",
      "closing a monitor leaves its guest as it is, and another can be taken at once",
      "a guest that was paused is adopted as paused, and stays so",
      "a guest has at most one monitor at a time: another is refused, and the first is not disturbed"
    ]
  },
  {
    name: "resumes a guest that it adopts",
    change: guests(({ guest }) => ({ monitor: Effect.tap(guest.monitor, ({ resume }) => Effect.ignore(resume)) })),
    fails: [
      "a guest that was paused is adopted as paused, and stays so"
    ]
  },
  {
    name: "does not know of a guest that it adopts whether it is paused",
    change: monitors(({ monitor }) => ({
      connected: Effect.map(monitor.connected, (status) => ({ ...status, paused: false }))
    })),
    fails: [
      "a guest that was paused is adopted as paused, and stays so"
    ]
  },
  {
    name: "knows the volumes of those guests only that it launched",
    change: guests(({ guest }) => {
      let isOwn = false
      const known = (status: GuestStatus): GuestStatus => isOwn ? status : { ...status, volumes: [] }
      return {
        start: (boot) =>
          Effect.suspend(() => {
            isOwn = true
            return guest.start(boot)
          }),
        monitor: Effect.map(guest.monitor, (monitor) => ({
          ...copyMonitor(monitor),
          connected: Effect.map(monitor.connected, known),
          status: Effect.map(monitor.status, known)
        }))
      }
    }),
    fails: [
      "volumes that were attached are known to the launcher that adopts, and can be detached by it"
    ]
  },
  {
    name: "does not adopt a guest that has not connected",
    change: guests(({ guest, host, spec }) => {
      let isOwn = false
      return {
        start: (boot) =>
          Effect.suspend(() => {
            isOwn = true
            return guest.start(boot)
          }),
        monitor: Effect.suspend(() =>
          isOwn || host.machine(spec.id)?.isConnected !== false
            ? guest.monitor
            : Effect.fail(fail(new Unreachable({ detail: "it has not connected" })))
        )
      }
    }),
    fails: [
      "a guest that was launched and never watched is adopted, and connects",
      "monitor is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "tells from memory what there is",
    change: guests(({ guest }) => {
      let isThere: Probe | undefined
      return {
        probe: Effect.map(guest.probe, (probe) => {
          if (probe._tag === "Running") isThere = probe
          return isThere ?? probe
        }),
        start: (boot) =>
          Effect.tap(guest.start(boot), () =>
            Effect.sync(() => {
              isThere = { _tag: "Running" }
            })),
        kill: Effect.tap(guest.kill, () =>
          Effect.sync(() => {
            isThere = undefined
          })),
        monitor: Effect.map(guest.monitor, (monitor) => ({
          ...copyMonitor(monitor),
          ended: Effect.tap(monitor.ended, ({ _tag }) =>
            Effect.sync(() => {
              if (_tag === "Exited") isThere = undefined
            }))
        }))
      }
    }),
    fails: [
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "a guest that does not connect can be stopped",
      "a guest that was ended while nobody watched is told to be gone"
    ]
  },
  {
    name: "has several monitors of one guest",
    change: guests(({ guest, host, spec }) => ({
      monitor: Effect.suspend(() => {
        const machine = host.machine(spec.id)
        if (machine !== undefined && !machine.isFrozen && !machine.isSevered) machine.watcher = undefined
        return guest.monitor
      })
    })),
    fails: [
      "a guest has at most one monitor at a time: another is refused, and the first is not disturbed"
    ]
  },
  {
    name: "takes a guest from the monitor that it has",
    change: guests(({ guest, host, spec }) => ({
      monitor: Effect.suspend(() => {
        const watcher = host.machine(spec.id)?.watcher
        return Effect.tapError(guest.monitor, () =>
          Effect.sync(() => {
            watcher?.onLost("somebody else has it")
          }))
      })
    })),
    fails: [
      "a guest has at most one monitor at a time: another is refused, and the first is not disturbed"
    ]
  },
  {
    name: "can monitor a guest once",
    change: guests(({ guest }) => {
      const used = Ref.makeUnsafe(false)
      return {
        monitor: Effect.flatMap(Ref.get(used), (isUsed) =>
          isUsed
            ? Effect.fail(fail(new Unreachable({ detail: "it was monitored before" })))
            : Effect.tap(guest.monitor, () => Ref.set(used, true))),
        start: (boot) => Effect.tap(guest.start(boot), () => Ref.set(used, false))
      }
    }),
    fails: [
      "the end is told once to who follows, also to who comes late, and to nobody who follows no more",
      "what is asked of a guest that is not there answers that it is not running",
      "closing a monitor leaves its guest as it is, and another can be taken at once",
      "a guest has at most one monitor at a time: another is refused, and the first is not disturbed",
      "a control channel that breaks is told as lost and never as an exit, and the guest is left alone",
      "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed",
      "monitor is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "leaves a fiber behind",
    change: guests(({ guest }) => ({
      monitor: Effect.tap(guest.monitor, () => Effect.forkIn(Effect.never, Scope.makeUnsafe()))
    })),
    fails: [
      "every fiber of a launcher has ended when it is closed"
    ]
  }
]
