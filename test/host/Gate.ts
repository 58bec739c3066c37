/**
 * Something that is held at a point of a test's choosing, which the test can be sure was reached.
 */
import { Deferred, Effect, Schedule } from "effect"
import * as ProcFs from "../../src/backend/qemu/ProcFs.ts"

/** Where something is held. */
export interface Gate {
  /** Completes when something is held here. A gate that nothing comes to within half a minute is a defect that names it. */
  readonly reached: Effect.Effect<void>
  /** Lets go what is held here, and what comes later. */
  readonly open: Effect.Effect<void>
}

/** A gate, and what has a fiber wait at it. */
export interface FiberGate extends Gate {
  /** Holds whoever runs it, until the gate is opened. May be interrupted where it is run. */
  readonly pass: Effect.Effect<void>
  /** Says that it was reached, holding nothing. */
  readonly arrive: () => void
}

/** What has not come by then never will: a loaded machine takes some seconds. */
const patience = "30 seconds"

/** Waits for something that a test relies on. */
export const within = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.timeoutOrElse(effect, {
    duration: patience,
    orElse: () => Effect.die(`within ${patience}: ${what}`)
  })

/** Waits until something is so, looking every few milliseconds. */
export const until = (what: string, isSo: () => boolean): Effect.Effect<void> =>
  within(
    what,
    Effect.asVoid(Effect.repeat(Effect.sync(isSo), { until: (so) => so, schedule: Schedule.spaced("3 millis") }))
  )

/** A gate for fibers, named for those who wait in vain. */
export const make = (name: string): FiberGate => {
  const arrival = Deferred.makeUnsafe<void>()
  const opening = Deferred.makeUnsafe<void>()
  return {
    pass: Effect.andThen(Deferred.succeed(arrival, undefined), Deferred.await(opening)),
    arrive: () => {
      Deferred.doneUnsafe(arrival, Effect.void)
    },
    reached: within(`nothing came to ${name}`, Deferred.await(arrival)),
    open: Effect.asVoid(Deferred.succeed(opening, undefined))
  }
}

/** Whether a process is stopped (SIGSTOP). */
export const isStopped = (pid: number): boolean => ProcFs.info(pid)?.state === "T"

/** Sends a signal to a process, if it is still there. */
export const signal = (pid: number, name: NodeJS.Signals): Effect.Effect<void> =>
  Effect.ignore(Effect.try(() => process.kill(pid, name)))
