/**
 * Documents as YAML text, written so that every reader, of YAML 1.1 or 1.2, finds the same values: all strings are in quotes.
 *
 * The YAML library keeps comments and anchors, for which it takes a hundred times as long. These documents have neither, and
 * are long: one entry for each instance of a node.
 */

/** What a document may hold. Keys are plain words. */
export type Value = string | number | boolean | ReadonlyArray<Value> | { readonly [key: string]: Value }

/** What JSON leaves as it is and YAML reads as the end of a line, or not at all. */
const special = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** Needs no escapes, as nearly all that is written. */
const plain = /^[ !#-[\]-~]*$/

/** In quotes, as JSON has it, which YAML took over. Half a surrogate pair, which is no character, becomes U+FFFD. */
const quoted = (text: string): string =>
  plain.test(text) ? `"${text}"` : JSON.stringify(text.toWellFormed()).replace(special, escaped)

/** A value after its key or dash: on the same line where it fits, else below, indented by `indent`. */
const after = (value: Value, indent: string): string => {
  if (typeof value === "string") return ` ${quoted(value)}\n`
  if (typeof value !== "object") return ` ${value}\n`
  const text = isList(value) ? list(value, indent) : mapping(value, indent, indent)
  return text === "" ? (isList(value) ? " []\n" : " {}\n") : `\n${text}`
}

const isList = (value: Value): value is ReadonlyArray<Value> => Array.isArray(value)

const list = (values: ReadonlyArray<Value>, indent: string): string => {
  let text = ""
  for (const value of values) {
    const entry = typeof value === "object" && !isList(value) ? mapping(value, "", `${indent}  `) : ""
    text += entry === "" ? `${indent}-${after(value, `${indent}  `)}` : `${indent}- ${entry}`
  }
  return text
}

/** `first` is what stands before the first key, `indent` before the others. */
const mapping = (value: { readonly [key: string]: Value }, first: string, indent: string): string => {
  let text = ""
  for (const key in value) {
    text += `${text === "" ? first : indent}${key}:${after(value[key] ?? "", `${indent}  `)}`
  }
  return text
}

/** A document without markers. */
export const encode = (document: { readonly [key: string]: Value }): string => mapping(document, "", "")
