/**
 * Records as text, as stores keep them.
 */
import { Schema } from "effect"
import { InstanceSpec } from "../domain/InstanceSpec.ts"
import { InstanceRecord } from "./InstanceRecord.ts"

const RecordJson = Schema.fromJsonString(Schema.toCodecJson(InstanceRecord))
// What it was made with has been checked.
const encodeSpec = Schema.encodeSync(Schema.toCodecJson(InstanceSpec), { disableChecks: true })

/** The record that a text is of. */
export const decode = Schema.decodeResult(RecordJson)

/** Makes text of the records of one store. */
export class RecordText {
  /** A spec stays what it is for as long as its instance is there, and takes longest: it is encoded once. */
  private readonly specs = new WeakMap<InstanceSpec, string>()

  /** All but the spec is the same in JSON as it is in a record, and need not be encoded first. */
  encode({ spec, ...rest }: InstanceRecord): string {
    return `${JSON.stringify(rest).slice(0, -1)},"spec":${this.textOf(spec)}}`
  }

  private textOf(spec: InstanceSpec): string {
    const known = this.specs.get(spec)
    if (known !== undefined) return known
    const text = JSON.stringify(encodeSpec(spec))
    this.specs.set(spec, text)
    return text
  }
}
