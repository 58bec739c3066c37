/**
 * Virtualizers that get wrong how a guest is ended.
 */
import { Duration, Effect, Ref } from "effect"
import { fail, NotRunning, StillAlive } from "../../../src/VirtualizerError.ts"
import { guests, monitors, type Wrong } from "./Wrong.ts"

export const wrongEnds: ReadonlyArray<Wrong> = [
  {
    name: "does not wait for the grace of a stop",
    change: monitors(({ monitor }) => ({ stop: () => monitor.stop(Duration.zero) })),
    fails: [
      "stop lets a guest that obeys power itself off, and returns when it is gone",
      "stop waits for its grace, and then makes a guest end that does not obey",
      "stop that is interrupted leaves the guest asked, and can be repeated",
      "stats answer while another operation is in progress",
      "the console's log is read while another operation is in progress",
      "a guest outlives its launcher, and another adopts the same one, which it can stop"
    ]
  },
  {
    name: "waits half the grace of a stop",
    change: monitors(({ monitor }) => ({ stop: (grace) => monitor.stop(Duration.times(grace, 0.5)) })),
    fails: [
      "stop waits for its grace, and then makes a guest end that does not obey"
    ]
  },
  {
    name: "does not insist when a guest does not obey",
    change: monitors(({ monitor }) => ({ stop: () => monitor.stop(Duration.hours(100)) })),
    fails: [
      "stop waits for its grace, and then makes a guest end that does not obey",
      "stop without a grace ends a guest at once",
      "stop by two fibers at once ends the guest for both",
      "stop that is interrupted leaves the guest asked, and can be repeated",
      "stop is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "returns from a stop before the guest is gone",
    change: monitors(({ monitor, watching }) => ({
      stop: (grace) => Effect.asVoid(Effect.forkIn(monitor.stop(grace), watching))
    })),
    fails: [
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "a guest that does not connect can be stopped",
      "stop lets a guest that obeys power itself off, and returns when it is gone",
      "stop waits for its grace, and then makes a guest end that does not obey",
      "stop without a grace ends a guest at once",
      "stop of a guest that is frozen ends it by force",
      "stop of a guest that is paused ends it",
      "stop by two fibers at once ends the guest for both",
      "stop that is interrupted leaves the guest asked, and can be repeated",
      "stats answer while another operation is in progress",
      "the console's log is read while another operation is in progress",
      "two instances at once do not disturb each other",
      "stop is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "does not end a guest by force that does not quit",
    change: monitors(({ host, monitor, spec }) => ({
      stop: (grace) =>
        Effect.suspend(() =>
          host.machine(spec.id)?.isFrozen === true
            ? Effect.fail(fail(new StillAlive({ handle: spec.id })))
            : monitor.stop(grace)
        )
    })),
    fails: [
      "stop of a guest that is frozen ends it by force"
    ]
  },
  {
    name: "shows a guest that is paused the power button, and waits",
    change: monitors(({ host, monitor, spec }) => ({
      stop: (grace) =>
        Effect.andThen(
          Effect.suspend(() => host.machine(spec.id)?.isPaused === true ? monitor.ended : Effect.void),
          monitor.stop(grace)
        )
    })),
    fails: [
      "stop of a guest that is paused ends it"
    ]
  },
  {
    name: "fails to stop a guest that is being stopped",
    change: monitors(({ monitor }) => {
      const stopping = Ref.makeUnsafe(false)
      return {
        stop: (grace) =>
          Effect.flatMap(
            Ref.getAndSet(stopping, true),
            (isStopping) =>
              isStopping
                ? Effect.fail(fail(new NotRunning()))
                : Effect.ensuring(monitor.stop(grace), Ref.set(stopping, false))
          )
      }
    }),
    fails: [
      "stop by two fibers at once ends the guest for both"
    ]
  },
  {
    name: "kills a guest when a stop is interrupted",
    change: monitors(({ guest, monitor }) => ({
      stop: (grace) => Effect.onInterrupt(monitor.stop(grace), () => Effect.ignore(guest.kill))
    })),
    fails: [
      "stop that is interrupted leaves the guest asked, and can be repeated"
    ]
  },
  {
    name: "fails to stop a guest that has ended",
    change: monitors(({ guest, monitor }) => ({
      stop: (grace) =>
        Effect.flatMap(
          guest.probe,
          (probe) => probe._tag === "Running" ? monitor.stop(grace) : Effect.fail(fail(new NotRunning()))
        )
    })),
    fails: [
      "what is asked of a guest that is not there answers that it is not running",
      "stop is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "returns from a kill before the guest is gone",
    change: guests(({ guest, scope }) => ({ kill: Effect.asVoid(Effect.forkIn(guest.kill, scope)) })),
    fails: [
      "a life goes its way: made, launched, connected, ended, launched again, ended by force, and deleted",
      "kill needs no monitor, returns when the guest is gone, and can be repeated",
      "kill ends a guest that is frozen",
      "a guest whose control channel broke can be killed, and has been lost all the same",
      "discover tells every guest that is there and none that is not, to a launcher that knows of none",
      "kill is interrupted in each of its phases, leaves nothing half-done, and can be repeated",
      "discard removes what is left of a guest that was ended, and how it ended"
    ]
  },
  {
    name: "fails to kill a guest that is not there",
    change: guests(({ guest }) => ({
      kill: Effect.flatMap(
        guest.probe,
        (probe) => probe._tag === "Running" ? guest.kill : Effect.fail(fail(new NotRunning()))
      )
    })),
    fails: [
      "an instance that was never made is absent, and asking changes nothing",
      "what is asked of a guest that is not there answers that it is not running",
      "kill needs no monitor, returns when the guest is gone, and can be repeated",
      "kill is interrupted in each of its phases, leaves nothing half-done, and can be repeated"
    ]
  },
  {
    name: "asks a guest to quit that it is to kill",
    change: guests(({ guest, host, spec }) => ({
      kill: Effect.suspend(() => {
        const machine = host.machine(spec.id)
        if (machine === undefined || !machine.isConnected) return guest.kill
        machine.quit()
        return Effect.timeoutOrElse(machine.until(() => !machine.isThere), {
          duration: "1 minute",
          orElse: () => Effect.fail(fail(new StillAlive({ handle: spec.id })))
        })
      })
    })),
    fails: [
      "kill ends a guest that is frozen",
      "a guest whose control channel broke can be killed, and has been lost all the same"
    ]
  },
  {
    name: "does not tell who watches that a guest was killed",
    change: monitors(({ monitor }) => ({
      ended: Effect.flatMap(
        monitor.ended,
        (ended) => ended._tag === "Exited" && ended.status._tag === "Killed" ? Effect.never : Effect.succeed(ended)
      )
    })),
    fails: [
      "a guest that does not connect is watched, and connected waits for ever, also when it ends",
      "what is asked of a guest that is not there answers that it is not running",
      "kill is seen by who watches",
      "pause and resume of a guest that has ended answer that it is not running",
      "volumes of a guest that has ended are neither attached nor detached, since it is not running"
    ]
  }
]
