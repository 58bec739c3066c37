/**
 * What a container takes from the cloud-init documents of a START payload, having no cloud-init of its own.
 */
import { Effect, Option } from "effect"
import { invalidData, type PayloadError } from "./PayloadError.ts"
import { isMapping, parse, type Tree } from "./YamlText.ts"

/** The value of a top-level key of a document that may be anything, also no YAML. */
const field = Effect.fnUntraced(function*(text: string | undefined, key: string): Effect.fn.Return<Tree | undefined> {
  const documents = yield* parse(text ?? "").pipe(Effect.option)
  const document = Option.getOrUndefined(documents)?.[0]
  return isMapping(document) ? document[key] : undefined
})

const isText = (tree: Tree | undefined): tree is string => typeof tree === "string"

/**
 * The container's command: the first entry of `runcmd` in the user data. A list is a program and its arguments; a string
 * is a shell's, as cloud-init has it. Absent when there is none, and then the image's own command is to run.
 *
 * Fails with `invalid_data` when the entry is neither.
 */
export const command = Effect.fnUntraced(
  function*(
    userData: string | undefined
  ): Effect.fn.Return<readonly [string, ...ReadonlyArray<string>] | undefined, PayloadError> {
    const runcmd = yield* field(userData, "runcmd")
    if (runcmd === undefined || runcmd === null) return undefined
    if (!Array.isArray(runcmd)) return yield* invalidData("runcmd", "must be a list of commands")
    const entry: Tree | undefined = runcmd[0]
    if (entry === undefined || entry === null) return undefined
    if (isText(entry)) return ["sh", "-c", entry]
    if (!Array.isArray(entry) || !entry.every(isText)) {
      return yield* invalidData("runcmd[0]", "must be a string for a shell, or a list of a program and its arguments")
    }
    const [program, ...programArguments] = entry
    return program === undefined ? undefined : [program, ...programArguments]
  }
)

/** The container's host name: `hostname` in the meta data. */
export const hostname = Effect.fnUntraced(function*(metaData: string): Effect.fn.Return<string | undefined> {
  const name = yield* field(metaData, "hostname")
  return isText(name) && name !== "" ? name : undefined
})
