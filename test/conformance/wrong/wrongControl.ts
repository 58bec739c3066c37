/**
 * Virtualizers that get wrong what they know of a guest that they can not reach.
 */
import { Effect } from "effect"
import type { Ended, Probe } from "../../../src/Virtualizer.ts"
import { fail, Unreachable } from "../../../src/VirtualizerError.ts"
import { guests, monitors, type Wrong } from "./Wrong.ts"

export const wrongControl: ReadonlyArray<Wrong> = [
  {
    name: "takes a control channel that broke for an exit",
    change: monitors(({ monitor }) => ({
      ended: Effect.map(
        monitor.ended,
        (ended): Ended => ended._tag === "Lost" ? { _tag: "Exited", status: { _tag: "Unknown" } } : ended
      )
    })),
    fails: [
      "a control channel that breaks is told as lost and never as an exit, and the guest is left alone",
      "a guest whose control channel broke can be killed, and has been lost all the same",
      "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed"
    ]
  },
  {
    name: "says after all that a guest exited that was lost",
    change: monitors(({ host, monitor, spec }) => ({
      ended: Effect.map(
        monitor.ended,
        (ended): Ended =>
          ended._tag === "Lost" && host.machine(spec.id) === undefined
            ? { _tag: "Exited", status: { _tag: "Unknown" } }
            : ended
      )
    })),
    fails: [
      "a guest whose control channel broke can be killed, and has been lost all the same"
    ]
  },
  {
    name: "ends a guest that it lost",
    change: monitors(({ guest, monitor }) => ({
      ended: Effect.tap(monitor.ended, ({ _tag }) => _tag === "Lost" ? Effect.ignore(guest.kill) : Effect.void)
    })),
    fails: [
      "a control channel that breaks is told as lost and never as an exit, and the guest is left alone",
      "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed"
    ]
  },
  {
    name: "says that a guest is gone that does not answer",
    change: guests(({ guest, host, spec }) => ({
      probe: Effect.map(
        guest.probe,
        (probe): Probe => host.machine(spec.id)?.answers === false ? { _tag: "Created", lastExit: undefined } : probe
      )
    })),
    fails: [
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "a start that has returned has a guest, which everybody can see",
      "a guest that does not connect is watched, and connected waits for ever, also when it ends",
      "a control channel that breaks is told as lost and never as an exit, and the guest is left alone",
      "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed",
      "discard removes every trace, for a launcher that has no spec, and the instance can be made again"
    ]
  },
  {
    name: "can not kill a guest that it can not reach",
    change: guests(({ guest, host, spec }) => ({
      kill: Effect.suspend(() =>
        host.machine(spec.id)?.isSevered === true
          ? Effect.fail(fail(new Unreachable({ detail: "the control channel is broken" })))
          : guest.kill
      )
    })),
    fails: [
      "a guest whose control channel broke can be killed, and has been lost all the same"
    ]
  },
  {
    name: "waits for ever for a guest that is frozen",
    change: monitors(({ host, monitor, spec }) => ({
      status: Effect.andThen(
        Effect.suspend(() => {
          const machine = host.machine(spec.id)
          return machine === undefined ? Effect.void : machine.until(() => !machine.isFrozen)
        }),
        monitor.status
      )
    })),
    fails: [
      "what is asked of a guest that is frozen fails in time, and it is adopted again when it has thawed"
    ]
  },
  {
    name: "pauses guests that do not answer, as it says",
    change: monitors(({ monitor }) => ({
      pause: Effect.catchIf(monitor.pause, ({ reason }) => reason._tag === "Unreachable", () => Effect.void)
    })),
    fails: [
      "pause and resume of a guest that is frozen fail in time"
    ]
  },
  {
    name: "detaches volumes from guests that do not answer, as it says",
    change: monitors(({ monitor }) => ({
      detachVolume: (volume) =>
        Effect.catchIf(
          monitor.detachVolume(volume),
          ({ reason }) => reason._tag === "Unreachable",
          () => Effect.void
        )
    })),
    fails: [
      "volumes are neither attached to nor detached from a guest that is frozen, which is told in time"
    ]
  }
]
