import { describe } from "vitest"
import * as Conformance from "../../src/testing/Conformance.ts"
import { virtual } from "../../src/testing/conformance/ConformanceClock.ts"
import * as SimulatedConformanceHost from "./SimulatedConformanceHost.ts"

describe("conformance", () => {
  Conformance.suite("the simulation", SimulatedConformanceHost.virtualizer(), {
    host: SimulatedConformanceHost.layer("conformance"),
    clock: virtual({ seed: "conformance" })
  })

  Conformance.suite(
    "a simulation that can do little",
    SimulatedConformanceHost.virtualizer({ boot: ["image"], pause: false, liveVolumes: false, console: false }),
    { host: SimulatedConformanceHost.layer("little"), clock: virtual({ seed: "little" }) }
  )

  Conformance.suite(
    "a simulation that can do everything",
    SimulatedConformanceHost.virtualizer({ boot: ["image", "volume", "kernel", "container"] }),
    { host: SimulatedConformanceHost.layer("everything"), clock: virtual({ seed: "everything" }) }
  )
})
