/**
 * The documents of a START payload, taken apart as text, so that what is passed on to the guest stays as it was written.
 */
import { Result } from "effect"
import { invalidData, type PayloadError } from "./PayloadError.ts"
import { missingKey } from "./Wire.ts"

/** The parts of a START payload. */
export interface StartDocuments {
  /** The `start:` block: the key and the indented lines after it. */
  readonly start: string
  /** The number of its first line in the payload. */
  readonly startLine: number
  /** The user data, byte for byte; absent when there is none. */
  readonly userData: string | undefined
  /** The meta data, byte for byte; absent when there is none. */
  readonly metaData: string | undefined
}

interface Line {
  readonly text: string
  readonly number: number
}

type Document = ReadonlyArray<Line>

const documentStart = /^---(?=[ \t\r\n]|$)/
const documentEnd = /^\.\.\.(?=[ \t\r\n]|$)/
const directive = /^%(YAML|TAG)[ \t]/
const blankOrComment = /^[ \t\r\n]*$|^[ \t]*#/
const startKey = /^(start|"start"|'start')[ \t]*:(?=[ \t\r\n]|$)/
const startInFlow = /^\{\s*(start|"start"|'start')\s*:/

/**
 * The documents of a stream. Markers and directives are no part of them; comments between documents are part of the
 * document they precede (`#cloud-config` may stand before the `---`).
 */
const documentsOf = (text: string): ReadonlyArray<Document> => {
  const documents: Array<Document> = []
  let lines: Array<Line> = []
  let isMarked = false
  let hasContent = false

  const next = (marked: boolean, first: ReadonlyArray<Line>) => {
    lines = [...first]
    isMarked = marked
    hasContent = false
  }
  const isDocument = () => isMarked || hasContent

  for (const [index, line] of text.split(/(?<=\n)/).entries()) {
    const marker = documentStart.exec(line)
    if (marker !== null) {
      while (directive.test(lines.at(-1)?.text ?? "")) lines.pop()
      const comments = isDocument() ? [] : lines.slice(lines.findIndex(({ text }) => text.startsWith("#")))
      if (isDocument()) documents.push(lines)
      const rest = line.slice(marker[0].length).replace(/^[ \t]+/, "")
      next(true, rest.trim() === "" ? comments : [...comments, { text: rest, number: index + 1 }])
    } else if (documentEnd.test(line)) {
      if (isDocument()) documents.push(lines)
      next(false, [])
    } else {
      lines.push({ text: line, number: index + 1 })
      hasContent ||= !blankOrComment.test(line) && !directive.test(line)
    }
  }
  if (isDocument()) documents.push(lines)
  return documents
}

const textOf = (document: Document | undefined): string | undefined => {
  const text = document?.map(({ text }) => text).join("") ?? ""
  return text.trim() === "" ? undefined : text
}

/** The `start:` block of a document and what else the document holds. */
const cut = (document: Document): { readonly block: Document; readonly rest: Document } | undefined => {
  if (startInFlow.test(document.map(({ text }) => text).join("").replace(/^(\s*#.*\n|\s+)*/, ""))) {
    return { block: document, rest: [] }
  }
  const begin = document.findIndex(({ text }) => startKey.test(text))
  if (begin < 0) return undefined
  // blank lines and comments belong to the block where more of it follows, and else to what stands beside it
  let end = begin + 1
  for (let index = end; index < document.length; index++) {
    const text = document[index]?.text ?? ""
    if (/^[ \t]+[^ \t\r\n]/.test(text)) end = index + 1
    else if (!blankOrComment.test(text)) break
  }
  return { block: document.slice(begin, end), rest: [...document.slice(0, begin), ...document.slice(end)] }
}

/**
 * Takes a payload apart. Fails with `invalid_data` when it has not one to three documents, or none of them has a
 * top-level key `start`.
 */
export const split = (text: string): Result.Result<StartDocuments, PayloadError> => {
  const documents = documentsOf(text)
  if (documents.length > 3) {
    return Result.fail(
      invalidData("", `has ${documents.length} documents: it may have the start, the user data and the meta data`)
    )
  }
  for (const [index, document] of documents.entries()) {
    const found = cut(document)
    if (found === undefined) continue
    const [other, another] = documents.toSpliced(index, 1)
    const isAlone = documents.length < 3
    return Result.succeed({
      start: found.block.map(({ text }) => text).join(""),
      startLine: found.block[0]?.number ?? 1,
      userData: textOf(isAlone ? found.rest : other),
      metaData: textOf(isAlone ? other : another)
    })
  }
  return Result.fail(missingKey("start"))
}
