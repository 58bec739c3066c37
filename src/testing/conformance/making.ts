/**
 * Tests of what there is before an instance is: the virtualizer itself, and `make`.
 */
import { Effect, Schema, Scope } from "effect"
import { Capabilities } from "../../domain/Capabilities.ts"
import type { BootSource } from "../../domain/Image.ts"
import { VolumeId } from "../../domain/Volume.ts"
import { VirtualizerName } from "../../domain/InstanceSpec.ts"
import { ConformanceHost } from "./ConformanceHost.ts"
import { type ConformanceTest, undeclared, undeclaredBoot } from "./ConformanceTest.ts"
import { equals, holds, inWords, refuses } from "./Contract.ts"
import { absent, launcher } from "./Launchers.ts"

/** A boot source of each kind. */
const sources: { readonly [Kind in BootSource["kind"]]: BootSource } = {
  image: { kind: "image", path: "/images/any", format: "raw" },
  volume: { kind: "volume", volume: VolumeId.make("any") },
  kernel: { kind: "kernel", kernel: "/images/any" },
  container: { kind: "container", image: "any" }
}

export const making: ReadonlyArray<ConformanceTest> = [
  {
    name: "has a name and capabilities that a spec can ask for",
    needs: [],
    run: Effect.gen(function*() {
      const { virtualizer } = yield* launcher
      yield* holds(
        Schema.is(VirtualizerName)(virtualizer.name),
        "A virtualizer's name is one that a spec can have",
        () => inWords(virtualizer.name)
      )
      yield* holds(
        Schema.is(Capabilities)(virtualizer.capabilities),
        "A virtualizer declares its capabilities",
        () => inWords(virtualizer.capabilities)
      )
      const { spec } = yield* absent({ ...yield* launcher, virtualizer })
      yield* holds(
        virtualizer.capabilities.boot.includes(spec.boot.kind),
        "The boot source of a spec that it takes is declared",
        () => `${spec.boot.kind} is not among ${inWords(virtualizer.capabilities.boot)}`
      )
    })
  },
  {
    name: "make looks at the spec only: it starts nothing and writes nothing",
    needs: [],
    run: Effect.gen(function*() {
      const one = yield* launcher
      const { remains } = yield* absent(one)
      yield* equals(yield* remains, [], "make writes nothing")
      yield* absent(one, { kind: "imageless", id: "c1" })
      yield* equals(yield* one.discovered, [], "make starts nothing")
    })
  },
  {
    name: "make refuses a boot source that is not declared, and changes nothing",
    needs: [undeclared("a boot source")],
    run: Effect.gen(function*() {
      const one = yield* launcher
      const { id, spec } = yield* absent(one)
      const host = yield* ConformanceHost
      for (const kind of undeclaredBoot(one.virtualizer.capabilities)) {
        const volumes = kind === "volume" ? [{ id: VolumeId.make("any") }] : []
        yield* refuses(
          `make of a spec that boots from a ${kind}, which is not declared,`,
          Scope.provide(one.virtualizer.make({ ...spec, boot: sources[kind], volumes }, host.directory(id)), one.scope),
          ["NotSupported"]
        )
      }
      yield* equals(yield* host.remains(id), [], "What make refuses leaves nothing")
    })
  }
]
