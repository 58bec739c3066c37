/**
 * What an instance has of its launcher.
 */
import type { Change } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceSpec } from "../domain/InstanceSpec.ts"
import type { Needs } from "./Admission.ts"
import type { Books } from "./Books.ts"
import type { Reason } from "./LauncherError.ts"
import type { Tools } from "./Step.ts"
import type { Telemetry } from "./Telemetry.ts"
import type { VolumeClaims } from "./VolumeClaims.ts"

export interface Surroundings extends Tools {
  readonly claims: VolumeClaims
  readonly books: Books
  readonly telemetry: Telemetry
  /** Why such an instance may not be started now. `needs` says what it does not hold of the node yet. */
  readonly refusal: (spec: InstanceSpec, needs: Needs) => Reason | undefined
  /** Tells what changed. */
  readonly publish: (id: InstanceId, change: Change) => void
  /** Called when the instance is gone, or its launcher closes, before anybody is answered. */
  readonly leave: (instance: { readonly id: InstanceId; readonly spec: InstanceSpec }) => void
}
