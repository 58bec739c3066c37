/**
 * The guest of one instance on a simulated host: a few words of memory, whatever it does.
 */
import { Effect, type Scope, type Stream } from "effect"
import type { ImageProgress } from "../../domain/Image.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { BootConfig, Guest, GuestConsole, GuestStats, Monitor, Probe } from "../../Virtualizer.ts"
import { fail, HostFailure, NotRunning, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"
import * as ImageFetch from "./ImageFetch.ts"
import { lag, operation, type Reach } from "./Reach.ts"
import * as SimulatedConsole from "./SimulatedConsole.ts"
import * as SimulatedImage from "./SimulatedImage.ts"
import * as SimulatedLaunch from "./SimulatedLaunch.ts"
import * as SimulatedMonitor from "./SimulatedMonitor.ts"

const mebibyteBytes = 1024 * 1024

/** The guest of an instance. Looks at nothing. */
export const make = (reach: Reach, spec: InstanceSpec, directory: string): Guest =>
  new SimulatedGuest(reach, spec, directory)

/** Ends the guest of an instance by force. Succeeds when there is none. Fails with `StillAlive`. */
export const destroy = (reach: Reach, id: InstanceId): Effect.Effect<void, VirtualizerError> =>
  reach.fence.actEffect(() => {
    const machine = reach.host.machine(id)
    return machine === undefined ? Effect.void : SimulatedLaunch.slay(reach, machine)
  })

class SimulatedGuest implements Guest {
  readonly #reach: Reach
  readonly #spec: InstanceSpec
  readonly #directory: string

  constructor(reach: Reach, spec: InstanceSpec, directory: string) {
    this.#reach = reach
    this.#spec = spec
    this.#directory = directory
  }

  #operation<A, R>(
    name: string,
    effect: Effect.Effect<A, VirtualizerError, R>
  ): Effect.Effect<A, VirtualizerError, R> {
    return operation(this.#reach, this.#spec.id, name, effect)
  }

  get probe(): Effect.Effect<Probe, VirtualizerError> {
    const { fence, host } = this.#reach
    const { id } = this.#spec
    const look = fence.actEffect((): Effect.Effect<Probe, VirtualizerError> =>
      host.strikes("failingProbe", id)
        ? Effect.fail(fail(new Unreachable({ detail: "the host did not answer: ask again" })))
        : Effect.succeed(host.place(id)?.probe ?? { _tag: "Absent" })
    )
    return this.#operation("probe", Effect.andThen(lag(this.#reach, "probe"), look))
  }

  get ensureBackingImage(): Stream.Stream<ImageProgress, VirtualizerError> {
    return ImageFetch.fetch(this.#reach, this.#spec)
  }

  createImage(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    return SimulatedImage.create(this.#reach, this.#spec, this.#directory, boot)
  }

  get deleteImage(): Effect.Effect<void, VirtualizerError> {
    return SimulatedImage.remove(this.#reach, this.#spec.id)
  }

  start(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    return SimulatedLaunch.start(this.#reach, this.#spec, this.#directory, boot)
  }

  get monitor(): Effect.Effect<Monitor, VirtualizerError, Scope.Scope> {
    return this.#operation("monitor", SimulatedMonitor.make(this.#reach, this.#spec.id))
  }

  get kill(): Effect.Effect<void, VirtualizerError> {
    return this.#operation("kill", destroy(this.#reach, this.#spec.id))
  }

  get stats(): Effect.Effect<GuestStats, VirtualizerError> {
    const { fence, host } = this.#reach
    const spec = this.#spec
    const read = fence.actEffect(() => {
      const machine = host.machine(spec.id)
      if (machine === undefined) return Effect.fail(fail(new NotRunning()))
      if (host.strikes("failingStats", spec.id)) {
        return Effect.fail(fail(new HostFailure({ detail: "what the guest uses could not be read: ask again" })))
      }
      const uptimeMillis = host.conditions.nowMillis - machine.bornMillis
      const diskVirtualBytes = SimulatedImage.diskBytes(spec)
      return Effect.succeed({
        // A quarter of its memory, and a twentieth of its processors, which is what an idle one takes.
        memoryBytes: Number(spec.memory) / 4,
        cpuMillis: Math.round(uptimeMillis * spec.vcpus / 20),
        uptimeMillis,
        ...(diskVirtualBytes === undefined ? {} : { diskAllocatedBytes: mebibyteBytes, diskVirtualBytes })
      })
    })
    return host.conditions.takesTime("stats") ? Effect.andThen(lag(this.#reach, "stats"), read) : read
  }

  get console(): GuestConsole {
    return SimulatedConsole.make(this.#reach, this.#spec.id)
  }
}
