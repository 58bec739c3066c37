/**
 * What a node says that its instances hold is the sum over them: of what is there its disk, and of what is not at rest its memory
 * and vCPUs.
 *
 * Not looked at are the instances that somebody is asking for something: what was taken for them, or given back, need not be shown
 * yet; nor those whose start was refused a moment ago because it could not be written, until that is certain; nor anything while
 * all instances are being removed.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { NodeStatistics } from "../../domain/NodeStatus.ts"
import { type Checker, make } from "../Checker.ts"
import { isClearing } from "../History.ts"
import { Calls } from "./Calls.ts"

const atRest: ReadonlyArray<string> = ["Stopped", "Exited", "Failed"]

/** How long it may take, in milliseconds, until it is certain that what could not be written is not there. */
const certainMillis = 60_000

export const balancedBooks: Checker = make("the books are the sum over the instances", (complain) => {
  const calls = new Calls()
  const specs = new Map<InstanceId, InstanceSpec>()
  /** The instances that were never launched, and are not to be: they hold no memory wherever they are. */
  const idle = new Set<InstanceId>()
  const started = new Map<InstanceId, { readonly spec: InstanceSpec; readonly atMillis: number }>()
  let atMillis = 0
  /** What removes all instances. */
  const clearings = new Set<number>()

  /** The least and the most that instances may hold of something. */
  const compare = (
    { instances, status }: NodeStatistics,
    what: "memoryBytes" | "vcpus",
    of: (spec: InstanceSpec) => number
  ): void => {
    let least = 0
    let most = 0
    const asking = Array.from(calls.all).filter(({ command: { _tag } }) => _tag !== "Get" && _tag !== "Stats")
    for (const id of new Set([...specs.keys(), ...started.keys()])) {
      const amount = (spec: InstanceSpec | undefined): number => spec === undefined ? 0 : of(spec)
      const asked = asking.filter((call) => call.id === id)
      // What is asked for is taken before it is on record.
      const wanted = [
        specs.get(id),
        started.get(id)?.spec,
        ...asked.map(({ command }) => "spec" in command ? command.spec : undefined)
      ]
      const shown = instances.find((one) => one.id === id)
      const isRefused = shown === undefined && (started.get(id)?.atMillis ?? -Infinity) + certainMillis > atMillis
      const isHeld = shown !== undefined && !atRest.includes(shown.state._tag)
      if (isHeld && asked.length === 0 && !idle.has(id)) least += amount(specs.get(id))
      if (isHeld || isRefused || asked.length > 0) most += Math.max(...wanted.map(amount))
    }
    const { [what]: reserved } = status.reserved
    if (reserved < least || reserved > most) {
      complain(`the books say ${reserved} for ${what}, and the instances hold from ${least} to ${most}`)
    }
  }

  return (entry, index) => {
    const call = calls.look(entry, index)
    atMillis = entry.atMillis
    switch (entry._tag) {
      case "Recorded":
        specs.set(entry.id, entry.record.spec)
        if (entry.record.boot === 0 && entry.record.desired.power === "stopped") idle.add(entry.id)
        else idle.delete(entry.id)
        return
      case "Began":
        clearings.clear()
        return
      case "Called":
        if (isClearing(entry.command)) clearings.add(entry.call)
        if (entry.command._tag === "Start") {
          const { spec } = entry.command
          started.set(spec.id, { spec, atMillis })
        }
        return
      case "Abandoned":
        clearings.delete(entry.call)
        return
      case "Answered": {
        clearings.delete(entry.call)
        const statistics = entry.answer.ok ? entry.answer.statistics : undefined
        if (call === undefined || statistics === undefined || clearings.size > 0 || statistics.status.task !== null) {
          return
        }
        compare(statistics, "memoryBytes", ({ memory }) => Number(memory))
        compare(statistics, "vcpus", ({ vcpus }) => vcpus)
        return
      }
      default:
        return
    }
  }
})
