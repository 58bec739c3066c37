import { NodeServices } from "@effect/platform-node"
import { Layer, ManagedRuntime } from "effect"
import { afterAll } from "vitest"
import * as Conformance from "../../../src/testing/Conformance.ts"
import { real } from "../../../src/testing/conformance/ConformanceClock.ts"
import * as DockerConformanceHost from "./DockerConformanceHost.ts"

// Starting an engine takes longer than most tests.
const engine = ManagedRuntime.make(Layer.provideMerge(DockerConformanceHost.engine, NodeServices.layer))

afterAll(() => engine.dispose())

Conformance.suite("Docker", DockerConformanceHost.virtualizer, {
  host: Layer.provide(DockerConformanceHost.layer, Layer.effectContext(engine.contextEffect)),
  concurrent: true,
  clock: real({ patience: "25 seconds" })
})
