/**
 * What instances are called.
 */
import { Effect, Schema } from "effect"
import { SecureRandom } from "effect/crypto"

const idPattern = /^[0-9a-f]+(-[0-9a-f]+)*$/

/**
 * The id of an instance: lower-case hexadecimal groups joined by `-`, at most 64 characters. UUIDs are ids; so is
 * `67e8`. Border decoders lower-case what they read, so that ids compare as strings everywhere else.
 */
export const InstanceId = Schema.String.check(
  Schema.isPattern(idPattern, {
    expected: "an instance id: lower-case hexadecimal groups joined by '-', such as 9c1f-04"
  }),
  Schema.isMaxLength(64)
).pipe(Schema.brand("vivarium/InstanceId"))

export type InstanceId = typeof InstanceId.Type

/** A new id: a random UUID (RFC 4122, version 4). */
export const generate: Effect.Effect<InstanceId, never, SecureRandom.SecureRandom> = SecureRandom.SecureRandom.use((
  random
) => Effect.map(random.uuidV4(), (uuid) => InstanceId.make(uuid)))

/**
 * An instance's name: a DNS label (RFC 1123) that is not a valid id, so that a name can never be taken for an id.
 * Unique on a node.
 */
export const InstanceName = Schema.String.check(
  Schema.isPattern(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
    expected:
      "a name: lower-case letters, digits and '-', at most 63 characters, starting and ending with a letter or digit"
  }),
  Schema.makeFilter((name: string) => !idPattern.test(name) || "must not look like an id: add a letter beyond f")
).pipe(Schema.brand("vivarium/InstanceName"))

export type InstanceName = typeof InstanceName.Type
