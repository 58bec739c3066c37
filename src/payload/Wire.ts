/**
 * What the seed system's payloads have in common: how they write ids and flags, and the key everything stands under.
 */
import { Effect, Schema, SchemaTransformation } from "effect"
import { InstanceId } from "../domain/InstanceId.ts"
import { VolumeId } from "../domain/Volume.ts"
import { fromIssue, invalidData, type PayloadError } from "./PayloadError.ts"
import { isMapping, type Tree } from "./YamlText.ts"

/** Text whose surrounding white space does not count. */
export const TrimmedText = Schema.String.pipe(Schema.decode(SchemaTransformation.trim()))

/** Text whose surrounding white space and case do not count. */
export const LoweredText = TrimmedText.pipe(Schema.decode(SchemaTransformation.toLowerCase()))

/** The id of a tenant, a node or an interface: any text of at most 64 characters, compared in lower case. */
export const ForeignId = LoweredText.check(Schema.isMaxLength(64, { expected: "at most 64 characters long" }))

/** The id of an instance. */
export const WireInstanceId = LoweredText.pipe(Schema.decodeTo(InstanceId))

/** The id of a volume. */
export const WireVolumeId = Schema.String.pipe(
  Schema.decode(SchemaTransformation.toLowerCase()),
  Schema.decodeTo(VolumeId)
)

/** A flag, in any of the words of YAML 1.1, which the seed system's reader goes by. Default false. */
export const Flag = Schema.String.check(
  Schema.isPattern(/^(y|yes|true|on|n|no|false|off)$/i, { expected: "true or false" })
).pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform({
      decode: (text: string) => /^(y|yes|true|on)$/i.test(text),
      encode: (flag: boolean) => String(flag)
    })
  ),
  Schema.withDecodingDefaultKey(Effect.succeed("false"))
)

/** A tree without what says nothing: keys of mappings whose value is null, empty, or white space. */
const withoutBlanks = (tree: Tree): Tree => {
  if (Array.isArray(tree)) return tree.map(withoutBlanks)
  if (!isMapping(tree)) return tree
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([, value]) => value !== null && !(typeof value === "string" && value.trim() === ""))
      .map(([key, value]) => [key, withoutBlanks(value)] as const)
  )
}

/** The failure of a payload without its top-level key. */
export const missingKey = (key: string): PayloadError =>
  invalidData(key, `is required: write a top-level key ${key}:, with its fields indented under it`)

/**
 * A decoder of what stands under a top-level key of a document. Unknown fields are ignored, and blank values count as
 * absent. Fails with `invalid_data`, with every problem's path.
 */
export const decodeUnder = <S extends Schema.ConstraintDecoder<unknown>>(key: string, schema: S) => {
  const decode = Schema.decodeUnknownEffect(Schema.toCodecStringTree(schema), { errors: "all" })
  return Effect.fnUntraced(function*(document: Tree | undefined): Effect.fn.Return<S["Type"], PayloadError> {
    if (!isMapping(document) || !Object.hasOwn(document, key)) return yield* missingKey(key)
    return yield* decode(withoutBlanks(document[key] ?? {})).pipe(
      Effect.mapError((error) => fromIssue(error.issue, [key]))
    )
  })
}
