/**
 * What a node needs, and whether it has it.
 */
import { Context, type Effect } from "effect"
import type { Check } from "./NodeApi.ts"

/** Looks at the machine anew each time it is asked. */
export class Doctor extends Context.Service<Doctor, { readonly checks: Effect.Effect<ReadonlyArray<Check>> }>()(
  "vivarium/Doctor"
) {}
