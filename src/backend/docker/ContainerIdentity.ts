/**
 * How a container is known to be an instance's: by its name, and by labels that say whose it is.
 */
import { createHash } from "node:crypto"
import { Option, Schema } from "effect"
import { InstanceId } from "../../domain/InstanceId.ts"
import { InstanceSpec } from "../../domain/InstanceSpec.ts"

/** The labels of a container. */
export const label = {
  stateDirectory: "vivarium.state-directory",
  instance: "vivarium.instance",
  specHash: "vivarium.spec-hash"
} as const

const digest = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Short, and another for every state directory: nodes may share an engine. */
const nodeOf = (stateDirectory: string): string => digest(stateDirectory).slice(0, 12)

/** The name of an instance's container: the same for every launcher of a state directory. At most 86 characters. */
export const nameOf = (stateDirectory: string, id: InstanceId): string => `vivarium-${nodeOf(stateDirectory)}-${id}`

/** JSON whose keys are in order, so that equal values are equal texts. */
const canonical = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(canonical)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(
      Object.entries(value).sort(([left], [right]) => left < right ? -1 : 1).map(([key, value]) => [
        key,
        canonical(value)
      ])
    )
    : value

const encodeSpec = Schema.encodeSync(InstanceSpec)

/** Tells specs apart. */
export const specHash = (spec: InstanceSpec): string => digest(JSON.stringify(canonical(encodeSpec(spec))))

/** The labels of an instance's container. */
export const labelsOf = (stateDirectory: string, spec: InstanceSpec): Readonly<Record<string, string>> => ({
  [label.stateDirectory]: stateDirectory,
  [label.instance]: spec.id,
  [label.specHash]: specHash(spec)
})

type Labels = Readonly<Record<string, string>> | null | undefined

const decodeId = Schema.decodeUnknownOption(InstanceId)

/** The instance of this state directory that a container is for, if it is for one. */
export const instanceOf = (stateDirectory: string, labels: Labels): InstanceId | undefined =>
  labels?.[label.stateDirectory] === stateDirectory
    ? Option.getOrUndefined(decodeId(labels[label.instance]))
    : undefined

/** What finds the container of an instance, whatever it is called. */
export const labelsFor = (stateDirectory: string, id: InstanceId): ReadonlyArray<string> => [
  ownership(stateDirectory),
  `${label.instance}=${id}`
]

/** What finds the containers of a state directory. */
export const ownership = (stateDirectory: string): string => `${label.stateDirectory}=${stateDirectory}`
