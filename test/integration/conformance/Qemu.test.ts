import { NodeServices } from "@effect/platform-node"
import { Layer } from "effect"
import * as Conformance from "../../../src/testing/Conformance.ts"
import { real } from "../../../src/testing/conformance/ConformanceClock.ts"
import * as QemuConformanceHost from "./QemuConformanceHost.ts"

Conformance.suite("QEMU", QemuConformanceHost.virtualizer, {
  host: Layer.provide(QemuConformanceHost.layer, NodeServices.layer),
  concurrent: true,
  clock: real({ patience: "25 seconds" })
})
