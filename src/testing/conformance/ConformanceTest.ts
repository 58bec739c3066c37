/**
 * One test of the conformance suite, as data.
 */
import { Effect } from "effect"
import type { Capabilities } from "../../domain/Capabilities.ts"
import { ConformanceHost, type Kind } from "./ConformanceHost.ts"
import { type Act, launcher } from "./Launchers.ts"

/** A capability that can be declared or not. */
export type Capability = "pause" | "liveVolumes" | "console"

/** What must be so for a test to say anything. */
export type Need =
  | { readonly _tag: "Declared"; readonly capability: Capability }
  | { readonly _tag: "Undeclared"; readonly capability: Capability | "a boot source" }
  /** The host of the test can do what not every host can. */
  | { readonly _tag: "Host"; readonly can: "panic" | "reboot" | "control" | "freezer" }
  | { readonly _tag: "Kind"; readonly kind: Kind }

export interface ConformanceTest {
  /** What is asked of a virtualizer, as a sentence. */
  readonly name: string
  readonly needs: ReadonlyArray<Need>
  readonly run: Act
}

export const declared = (capability: Capability): Need => ({ _tag: "Declared", capability })
export const undeclared = (capability: Capability | "a boot source"): Need => ({ _tag: "Undeclared", capability })
export const hostCan = (can: "panic" | "reboot" | "control" | "freezer"): Need => ({ _tag: "Host", can })
export const thereIs = (kind: Kind): Need => ({ _tag: "Kind", kind })

/** The boot sources there are. */
const bootSources = ["image", "volume", "kernel", "container"] as const

/** Those that these capabilities do not declare. */
export const undeclaredBoot = ({ boot }: Capabilities): ReadonlyArray<(typeof bootSources)[number]> =>
  bootSources.filter((kind) => !boot.includes(kind))

/** Why a test says nothing of this virtualizer on this host; nothing when it does. */
const unmet = (capabilities: Capabilities, host: ConformanceHost["Service"]) => (need: Need): ReadonlyArray<string> => {
  switch (need._tag) {
    case "Declared":
      return capabilities[need.capability] ? [] : [`${need.capability} is not declared`]
    case "Undeclared": {
      const { capability } = need
      const isDeclared = capability === "a boot source"
        ? undeclaredBoot(capabilities).length === 0
        : capabilities[capability]
      return isDeclared ? [`${capability === "a boot source" ? "every boot source" : capability} is declared`] : []
    }
    case "Host":
      return host[need.can] === undefined ? [`the host has no ${need.can}`] : []
    case "Kind":
      return host.kinds.includes(need.kind) ? [] : [`the host has no instance that is ${need.kind}`]
  }
}

/** What of a test's needs is not met. */
export const unmetNeeds = ({ needs }: ConformanceTest): Act<ReadonlyArray<string>> =>
  Effect.gen(function*() {
    if (needs.length === 0) return []
    const host = yield* ConformanceHost
    const { close, virtualizer } = yield* launcher
    yield* close
    return needs.flatMap(unmet(virtualizer.capabilities, host))
  })
