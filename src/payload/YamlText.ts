/**
 * YAML and JSON text, read with every scalar as it was written.
 *
 * The YAML 1.2 failsafe schema has no numbers, so `67e8` stays an id. What a scalar means is for a Schema to say.
 */
import { Effect } from "effect"
import * as Yaml from "yaml"
import { invalidPayload, type PayloadError } from "./PayloadError.ts"

/** The largest text that is read, in bytes of UTF-8. */
const bytesMax = 1024 * 1024

/** How deep collections may nest, aliases resolved. */
const depthMax = 100

/** How many values a text may hold, aliases resolved, and how many tokens it may be written in. */
const valuesMax = 50_000

/** A document. A plain empty scalar, `~` or `null` is null; every other scalar is a string. */
export type Tree = null | string | ReadonlyArray<Tree> | { readonly [key: string]: Tree }

/** Whether a tree is a mapping. */
export const isMapping = (tree: Tree | undefined): tree is { readonly [key: string]: Tree } =>
  typeof tree === "object" && tree !== null && !Array.isArray(tree)

const tooLarge = invalidPayload(`is larger than ${bytesMax} bytes: make it smaller`)

/**
 * Text from its bytes. A byte order mark is dropped. Fails with `invalid_payload` when it is too large or not UTF-8.
 */
export const fromInput = Effect.fnUntraced(
  function*(input: string | Uint8Array): Effect.fn.Return<string, PayloadError> {
    if (input.length > bytesMax) return yield* tooLarge
    if (typeof input !== "string") {
      return yield* Effect.try({
        try: () => new TextDecoder("utf-8", { fatal: true }).decode(input),
        catch: () => invalidPayload("is not UTF-8 text: encode it as UTF-8")
      })
    }
    if (new TextEncoder().encode(input).length > bytesMax) return yield* tooLarge
    return input.startsWith("\uFEFF") ? input.slice(1) : input
  }
)

/**
 * All documents of a text. Fails with `invalid_payload`; it never takes long, whatever the text.
 *
 * `firstLine` is the number of the text's first line, for the error's messages.
 */
export const parse = Effect.fnUntraced(
  function*(text: string, firstLine = 1): Effect.fn.Return<ReadonlyArray<Tree>, PayloadError> {
    const lines = new Yaml.LineCounter()
    const at = (offset: number, message: string): string => {
      const { col, line } = lines.linePos(offset)
      return `line ${line + firstLine - 1}, column ${col}: ${message}`
    }
    const documents = yield* Effect.try({
      try: () => compose(text, lines),
      catch: (cause) => invalidPayload(`is not valid YAML: ${String(cause)}`)
    })
    if (typeof documents === "string") return yield* invalidPayload(documents)

    const [error, ...errors] = documents.flatMap((document) => document.errors)
    if (error !== undefined) {
      return yield* invalidPayload(
        `is not valid YAML: ${at(error.pos[0], error.message)}`,
        errors.map((error) => at(error.pos[0], error.message))
      )
    }
    const converter = new Converter()
    const trees = documents.map((document) => converter.document(document))
    const [problem, ...problems] = converter.problems.map(({ message, offset }) => at(offset, message))
    return problem === undefined ? trees : yield* invalidPayload(problem, problems)
  }
)

/** The documents, or why they are not worth composing: composing is what takes time and stack. */
const compose = (text: string, lines: Yaml.LineCounter): ReadonlyArray<Yaml.Document.Parsed> | string => {
  const documents: Array<Yaml.Document.Parsed> = []
  const parser = new Yaml.Parser(lines.addNewLine)
  // uniqueness of keys is checked below: the library's own check takes quadratic time
  const composer = new Yaml.Composer({ schema: "failsafe", merge: false, uniqueKeys: false })
  let tokens = 0
  lines.addNewLine(0)
  for (const lexeme of new Yaml.Lexer().lex(text)) {
    if (++tokens > valuesMax) return `has more than ${valuesMax} tokens: make it smaller`
    for (const token of parser.next(lexeme)) documents.push(...composer.next(token))
    if (parser.stack.length > depthMax) return `nests deeper than ${depthMax} levels: make it flatter`
  }
  for (const token of parser.end()) documents.push(...composer.next(token))
  documents.push(...composer.end(true, text.length))
  return documents
}

interface Converted {
  readonly tree: Tree
  /** How many values it holds. */
  readonly values: number
  /** How many levels of collections it has. */
  readonly height: number
}

const tags = new Set(["str", "map", "seq", "int", "float", "bool", "null"].map((name) => `tag:yaml.org,2002:${name}`))

const nothing: Converted = { tree: null, values: 1, height: 0 }

class Converter {
  readonly problems: Array<{ readonly message: string; readonly offset: number }> = []
  private readonly anchors = new Map<string, Converted>()

  document(document: Yaml.Document.Parsed): Tree {
    this.anchors.clear()
    return this.node(document.contents, 0, 0).tree
  }

  private problem(message: string, offset: number): Converted {
    this.problems.push({ message, offset })
    return nothing
  }

  private node(node: unknown, level: number, parentOffset: number): Converted {
    if (!Yaml.isNode(node)) return nothing
    const offset = node.range?.[0] ?? parentOffset
    if (Yaml.isAlias(node)) {
      const target = this.anchors.get(node.source)
      if (target === undefined) return this.problem(`the alias *${node.source} has no anchor before it`, offset)
      return level + target.height > depthMax
        ? this.problem(`the aliases nest deeper than ${depthMax} levels: make it flatter`, offset)
        : target
    }
    if (node.tag !== undefined && !tags.has(node.tag)) {
      return this.problem(`the tag ${node.tag} is not known here: remove it`, offset)
    }
    const whole = Yaml.isScalar(node)
      ? this.scalar(node)
      : Yaml.isMap(node)
      ? this.mapping(node, level, offset)
      : this.sequence(node, level, offset)
    const converted = whole.values <= valuesMax
      ? whole
      : this.problem(`the aliases stand for more than ${valuesMax} values: use fewer`, offset)
    if (node.anchor !== undefined) this.anchors.set(node.anchor, converted)
    return converted
  }

  private scalar(scalar: Yaml.Scalar): Converted {
    const text = String(scalar.value)
    const isNull = scalar.tag === undefined ? scalar.type === "PLAIN" && /^(~|null|Null|NULL)?$/.test(text) : false
    return { tree: isNull ? null : text, values: 1, height: 0 }
  }

  private mapping(map: Yaml.YAMLMap, level: number, offset: number): Converted {
    const keys = new Set<string>()
    const entries: Array<readonly [string, Tree]> = []
    let values = 1
    let height = 0
    for (const { key, value } of map.items) {
      const converted = this.node(value, level + 1, offset)
      values += converted.values
      height = Math.max(height, converted.height)
      if (!Yaml.isScalar(key)) {
        this.problem("the key of a mapping must be a scalar", Yaml.isNode(key) ? key.range?.[0] ?? offset : offset)
        continue
      }
      const name = String(key.value)
      if (keys.has(name)) this.problem(`the key ${JSON.stringify(name)} occurs twice`, key.range?.[0] ?? offset)
      keys.add(name)
      entries.push([name, converted.tree])
    }
    return { tree: Object.fromEntries(entries), values, height: height + 1 }
  }

  private sequence(sequence: Yaml.YAMLSeq, level: number, offset: number): Converted {
    const items = sequence.items.map((item) => this.node(item, level + 1, offset))
    return {
      tree: items.map((item) => item.tree),
      values: items.reduce((sum, item) => sum + item.values, 1),
      height: items.reduce((height, item) => Math.max(height, item.height), 0) + 1
    }
  }
}
