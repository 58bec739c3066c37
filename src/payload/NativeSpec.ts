/**
 * The native spec: an `InstanceSpec` (domain) written as YAML or JSON.
 */
import { Effect, Schema } from "effect"
import * as Yaml from "yaml"
import { InstanceSpec } from "../domain/InstanceSpec.ts"
import { fromIssue, invalidData, type PayloadError } from "./PayloadError.ts"
import { fromInput, isMapping, parse, type Tree } from "./YamlText.ts"

/** Scalars are read as text, and become what the Schema wants: an id such as `67e8` is never a number. */
const decodeTree = Schema.decodeUnknownEffect(Schema.toCodecStringTree(InstanceSpec), {
  errors: "all",
  onExcessProperty: "error"
})

const encodeSpec = Schema.encodeSync(InstanceSpec)

const lower = (tree: Tree, ...keys: ReadonlyArray<string>): Tree =>
  isMapping(tree)
    ? Object.fromEntries(
      Object.entries(tree).map(([key, value]) =>
        [key, keys.includes(key) && typeof value === "string" ? value.toLowerCase() : value] as const
      )
    )
    : tree

const lowerEach = (tree: Tree, key: string): Tree => Array.isArray(tree) ? tree.map((item) => lower(item, key)) : tree

/** What is compared without regard to case is lower case from here on. */
const lowerIds = (tree: Tree): Tree => {
  if (!isMapping(tree)) return tree
  const { boot, nics, volumes } = tree
  return {
    ...lower(tree, "id") as { readonly [key: string]: Tree },
    ...(boot === undefined ? {} : { boot: lower(boot, "volume") }),
    ...(nics === undefined ? {} : { nics: lowerEach(nics, "mac") }),
    ...(volumes === undefined ? {} : { volumes: lowerEach(volumes, "id") })
  }
}

/**
 * Decodes one spec. Ids and MAC addresses are lower-cased. A field that the spec does not have is refused, so that a
 * misspelt one is not ignored.
 *
 * Fails with `invalid_payload` (no YAML or JSON, more than 1 MiB, not UTF-8) or `invalid_data`, and tells every problem
 * with its path.
 */
export const decode = Effect.fn("NativeSpec.decode")(
  function*(input: string | Uint8Array): Effect.fn.Return<InstanceSpec, PayloadError> {
    const documents = yield* fromInput(input).pipe(Effect.flatMap((text) => parse(text)))
    const [document] = documents
    if (document === undefined || documents.length > 1) {
      return yield* invalidData("", `must be one document, and not ${documents.length}: write one spec`)
    }
    return yield* decodeTree(lowerIds(document)).pipe(Effect.mapError((error) => fromIssue(error.issue)))
  }
)

/** The spec as JSON. */
export const encodeJson = (spec: InstanceSpec): string => JSON.stringify(encodeSpec(spec), null, 2) + "\n"

/** The spec as YAML. Every reader of YAML 1.2 takes its ids for strings. */
export const encodeYaml = (spec: InstanceSpec): string => {
  const document = new Yaml.Document(encodeSpec(spec))
  Yaml.visit(document, {
    Scalar: (_, scalar) => {
      // As a block, the library's choice for several lines, blank lines would lose their spaces.
      if (typeof scalar.value === "string" && scalar.value.trim() === "") scalar.type = Yaml.Scalar.QUOTE_DOUBLE
    }
  })
  // Over several lines, what is quoted would lose spaces at their ends.
  return document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity })
}
