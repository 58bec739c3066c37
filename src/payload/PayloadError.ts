/**
 * What is wrong with a text that was to be decoded.
 */
import { Schema, SchemaIssue } from "effect"

/** How many problems an error tells at most. */
const problemsMax = 10

/** How many characters of one message, or of one key in a path, are told. */
const charactersMax = 300

const bounded = (text: string): string => text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`

/** One thing that is wrong. */
export const Problem = Schema.Struct({
  /** Where in the document, such as `volumes[1].id`; empty for the whole of it. */
  path: Schema.String,
  /** What is wrong, and what to do about it. */
  message: Schema.String
})

export type Problem = typeof Problem.Type

/**
 * A text could not be decoded. The codes are the seed system's:
 * - `invalid_payload`: it is no YAML or JSON, or more of it than is read.
 * - `invalid_data`: it is, and something in it is wrong or missing.
 */
export class PayloadError extends Schema.TaggedError<PayloadError>()("PayloadError", {
  code: Schema.Literals(["invalid_payload", "invalid_data"]),
  /** The first problems, in the order they were found. */
  problems: Schema.NonEmptyArray(Problem),
  /** How many more there are. */
  omitted: Schema.Int
}) {
  override get message(): string {
    const told = this.problems.map(({ message, path }) => path === "" ? message : `${path}: ${message}`).join("; ")
    return this.omitted === 0 ? told : `${told}; and ${this.omitted} more`
  }
}

const make = (code: PayloadError["code"], [first, ...rest]: readonly [Problem, ...ReadonlyArray<Problem>]) =>
  new PayloadError({
    code,
    problems: [first, ...rest.slice(0, problemsMax - 1)].map(({ message, path }) => ({
      path,
      message: bounded(message)
    })) as [Problem, ...Array<Problem>],
    omitted: Math.max(0, rest.length + 1 - problemsMax)
  })

/** The text can not be read. */
export const invalidPayload = (message: string, others: ReadonlyArray<string> = []): PayloadError =>
  make("invalid_payload", [{ path: "", message }, ...others.map((message) => ({ path: "", message }))])

/** The text can be read; what it says is wrong. */
export const invalidData = (path: string, message: string): PayloadError => make("invalid_data", [{ path, message }])

/** A path as people write it: `volumes[1].id`. */
const formatPath = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`
    const name = String(key)
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) || name.length > charactersMax) {
      return `${text}[${bounded(JSON.stringify(name))}]`
    }
    return text === "" ? name : `${text}.${name}`
  }, "")

const fieldsOf = ({ ast }: SchemaIssue.UnexpectedKey): string =>
  ast._tag === "Objects" ? ast.propertySignatures.map(({ name }) => String(name)).join(", ") : ""

const format = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    switch (issue._tag) {
      case "MissingKey":
        return "is required"
      case "UnexpectedKey":
        return `is not a field here: correct its name, or remove it (the fields are ${fieldsOf(issue)})`
      default:
        return SchemaIssue.defaultLeafHook(issue)
    }
  }
})

/** What a person should not have to know: that scalars are strings until a Schema has read them. */
const reworded = new Map([
  ["Expected a string representing a finite number", "must be a number"],
  ["Expected \"true\" | \"false\"", "must be true or false"],
  ["Expected string", "must be a string"],
  ["Expected object", "must be a mapping"],
  ["Expected array", "must be a list"]
])

/**
 * The problems of a document that a Schema refused; `under` is the path of what it was to decode. It tells no values:
 * they may be secrets.
 */
export const fromIssue = (issue: SchemaIssue.Issue, under: ReadonlyArray<PropertyKey> = []): PayloadError => {
  const [first, ...rest] = format(issue).issues.map(({ message, path }) => ({
    path: formatPath([...under, ...(path ?? []).map((segment) => typeof segment === "object" ? segment.key : segment)]),
    message: reworded.get(message) ?? message.replace(/^Expected /, "must be ")
  }))
  return make("invalid_data", [first ?? { path: "", message: "is not valid" }, ...rest])
}
