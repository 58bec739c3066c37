/**
 * Looking at what there is of an instance.
 */
import { Effect } from "effect"
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { Guest, Probe } from "../../Virtualizer.ts"
import { holds, inWords, succeeds } from "./Contract.ts"
import type { Act } from "./Launchers.ts"

/** A probe is to say one of these. */
export const probes = Effect.fnUntraced(function*(
  { probe }: Guest,
  expected: ReadonlyArray<Probe["_tag"]>,
  when: string
) {
  const found = yield* succeeds("probe", probe)
  yield* holds(expected.includes(found._tag), `probe says ${expected.join(" or ")} ${when}`, () => inWords(found))
  return found
})

/** How the last guest ended, as a probe says. No guest is to be there. */
export const lastExit = Effect.fnUntraced(function*(guest: Guest, when: string) {
  const found = yield* probes(guest, ["Created"], when)
  return found._tag === "Created" ? found.lastExit : undefined
})

/** Whether a guest that ended so may have powered itself off: a container ends with its program's code. */
export const isPowerOff = (status: ExitStatus): boolean =>
  status._tag === "PoweredOff" || (status._tag === "Exited" && status.code === 0)

/** There is no guest's disk, and what is there of an image may be shared. */
export const isUnmade = (guest: Guest, when: string): Act<Probe> => probes(guest, ["Absent", "ImageReady"], when)
