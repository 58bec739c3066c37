/**
 * A virtualizer whose guests are simulated, on a {@link SimulatedHost}: for tests of whatever stands on virtualizers. It keeps the
 * contract to the letter, on the clock at hand, with the faults of `Fault` at the probabilities that are asked for.
 */
import { Context, Effect, Layer, Stream } from "effect"
import type { Capabilities } from "../../domain/Capabilities.ts"
import { type Virtualizer, Virtualizers } from "../../Virtualizer.ts"
import { fail, NotSupported } from "../../VirtualizerError.ts"
import { Fence } from "./Fence.ts"
import { lag } from "./Reach.ts"
import * as SimulatedGuest from "./SimulatedGuest.ts"
import * as SimulatedHost from "./SimulatedHost.ts"
import * as SimulatedImage from "./SimulatedImage.ts"

/** What guests can do, where nothing else is said: what QEMU's can. A container is simulated too, where it is declared. */
export const capabilities: Capabilities = {
  boot: ["image", "volume", "kernel"],
  pause: true,
  liveVolumes: true,
  console: true
}

/** What a virtualizer declares, and so does. What is left out is as in {@link capabilities}. */
export interface SimulationOptions {
  readonly capabilities?: Partial<Capabilities>
}

/** The virtualizer `simulation`, by which one launcher works on a host. Its fence is that launcher's life. */
export const make = (
  host: SimulatedHost.SimulatedHost,
  fence: Fence = new Fence(),
  options: SimulationOptions = {}
): Virtualizer => {
  const declared = { ...capabilities, ...options.capabilities }
  const node = { host, fence, capabilities: declared }
  return {
    name: "simulation",
    capabilities: declared,
    make: (spec, directory) =>
      fence.actEffect(() =>
        declared.boot.includes(spec.boot.kind)
          ? Effect.succeed(SimulatedGuest.make(node, spec, directory))
          : Effect.fail(fail(new NotSupported({ what: `booting from ${spec.boot.kind}` })))
      ),
    discover: Stream.fromIterableEffect(
      Effect.andThen(
        lag(node, "probe"),
        fence.act(() => host.machines.map(({ id, pid }) => ({ id, handle: `pid ${pid}` })))
      )
    ),
    destroy: ({ id }) => SimulatedGuest.destroy(node, id),
    discard: (id) => SimulatedImage.remove(node, id)
  }
}

/** The simulated host, for tests. */
export class Host extends Context.Service<Host, SimulatedHost.SimulatedHost>()("vivarium/Host") {}

/** A simulated host, and its virtualizer as the only one of a node. */
export const layer = (
  options: SimulatedHost.SimulatedHostOptions & SimulationOptions
): Layer.Layer<Virtualizers | Host> =>
  Layer.effectContext(Effect.map(SimulatedHost.make(options), (host) => {
    const virtualizer = make(host, new Fence(), options)
    return Context.make(Host, host).pipe(Context.add(Virtualizers, new Map([[virtualizer.name, virtualizer]])))
  }))
