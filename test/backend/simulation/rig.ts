/**
 * A simulated host with one instance on it, on a test's clock.
 */
import { assert } from "@effect/vitest"
import { ByteSize, Clock, Duration, Effect, Exit, Fiber, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Fault } from "../../../src/backend/simulation/Fault.ts"
import { Fence } from "../../../src/backend/simulation/Fence.ts"
import type { HostOccurrence } from "../../../src/backend/simulation/HostOccurrence.ts"
import * as SimulatedHost from "../../../src/backend/simulation/SimulatedHost.ts"
import * as SimulationVirtualizer from "../../../src/backend/simulation/SimulationVirtualizer.ts"
import { InstanceId } from "../../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../../src/domain/InstanceSpec.ts"
import { type Volume, VolumeId } from "../../../src/domain/Volume.ts"
import type { BootConfig, Guest, Monitor } from "../../../src/Virtualizer.ts"
import { VirtualizerError } from "../../../src/VirtualizerError.ts"

export const id = InstanceId.make("5ee-d")
export const otherId = InstanceId.make("5ee-e")

export const specOf = (
  more: Partial<Parameters<typeof InstanceSpec.make>[0]> = {}
): InstanceSpec =>
  InstanceSpec.make({
    id,
    virtualizer: "simulation",
    boot: { kind: "image", path: "/images/debian.qcow2", format: "qcow2" },
    memory: ByteSize.mebibytes(64),
    cloudInit: { dataSource: "nocloud", userData: "#cloud-config\n" },
    ...more
  })

export const volume = (name: string, readOnly = false): Volume => ({
  id: VolumeId.make(name),
  readOnly,
  source: { _tag: "File", path: `/volumes/${name}.raw`, format: "raw" }
})

export const bootWith = (...volumes: ReadonlyArray<Volume>): BootConfig => ({ volumes, networks: [] })

export interface RigOptions extends Partial<SimulatedHost.SimulatedHostOptions> {
  readonly capabilities?: SimulationVirtualizer.SimulationOptions["capabilities"]
}

/** A host, a launcher's hold on it, and a guest. */
export const make = Effect.fnUntraced(function*({ capabilities, ...options }: RigOptions = {}) {
  const host = yield* SimulatedHost.make({ seed: 1, ...options })
  const fence = new Fence()
  const virtualizer = SimulationVirtualizer.make(host, fence, capabilities === undefined ? {} : { capabilities })
  const occurrences: Array<HostOccurrence> = []
  host.observe((occurrence) => occurrences.push(occurrence))
  const guestOf = (spec: InstanceSpec) => virtualizer.make(spec, `/instances/${spec.id}`)
  return { host, fence, virtualizer, occurrences, guestOf, guest: yield* guestOf(specOf()) }
})

/** Lets a guest come to be. */
export const create = (guest: Guest) =>
  Effect.andThen(Stream.runDrain(guest.ensureBackingImage), guest.createImage(bootWith()))

/** Lets a guest run, and watches it. */
export const launch = (guest: Guest, boot = bootWith()): Effect.Effect<Monitor, VirtualizerError, Scope.Scope> =>
  Effect.andThen(Effect.andThen(create(guest), guest.start(boot)), guest.monitor)

/** Lets a guest run that has connected. */
export const run = (guest: Guest, boot = bootWith()) => Effect.tap(launch(guest, boot), (monitor) => monitor.connected)

/** How an effect ended, and how many milliseconds later. */
export interface Timed<A, E> {
  readonly exit: Exit.Exit<A, E>
  readonly millis: number
}

/** Runs an effect while time passes: at most ten minutes, in steps of a tenth of a second. Nothing when it goes on then. */
export const timed = Effect.fnUntraced(function*<A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.fn.Return<Timed<A, E> | undefined, never, R | Scope.Scope> {
  const begun = yield* Clock.currentTimeMillis
  const fiber = yield* Effect.forkScoped(
    Effect.flatMap(
      Effect.exit(effect),
      (exit) => Effect.map(Clock.currentTimeMillis, (now): Timed<A, E> => ({ exit, millis: now - begun }))
    ),
    { startImmediately: true }
  )
  for (let tenths = 0; tenths < 6000; tenths++) {
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return yield* exit
    yield* TestClock.adjust("100 millis")
  }
  yield* Fiber.interrupt(fiber)
  return undefined
})

/** Runs an effect that is to come to its end, while time passes. */
export const passing = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.flatMap(
    timed(effect),
    (timed) => timed === undefined ? Effect.die("it takes more than ten minutes") : timed.exit
  )

/** Why an effect fails, while time passes: the tag of its reason, or how else it ends. */
export const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(timed(effect), (timed) => timed === undefined ? "nothing" : tagOf(timed.exit))

export const tagOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  if (Exit.hasInterrupts(exit)) return "interruption"
  const error = exit.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? [reason.error] : [])[0]
  return error instanceof VirtualizerError ? error.reason._tag : String(error)
}

/** One fault for certain, and nothing else. */
export const only = (...faults: ReadonlyArray<Fault>) => Object.fromEntries(faults.map((fault) => [fault, 1]))

export const seconds = Duration.seconds

export const isBetween = (value: number | undefined, least: number, most: number): void => {
  assert.isTrue(value !== undefined && value >= least && value <= most, `${value} is not between ${least} and ${most}`)
}

/** How long after now something ends. */
export const millisOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(timed(effect), (timed) => timed?.millis)

/** A host on which these faults strike for certain. */
export const withFaults = (...faults: ReadonlyArray<Fault>) => make({ faults: only(...faults) })

/** A guest that runs, on a host on which these faults strike from now on. */
export const running = Effect.fnUntraced(function*(...faults: ReadonlyArray<Fault>) {
  const rig = yield* make()
  const monitor = yield* passing(run(rig.guest))
  rig.host.setFaults(only(...faults))
  return { ...rig, monitor }
})
