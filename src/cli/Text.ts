/**
 * Text for a person: one line, as wide as it may be, and without what would control a terminal.
 */
import { ByteSize, Duration } from "effect"
import { CliOutput } from "effect/cli"

// oxlint-disable-next-line no-control-regex -- these are what is taken out
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** What comes from elsewhere, with its control characters spelt out: it can neither move the cursor nor begin a line. */
export const plain = (text: string): string =>
  text.replace(controls, (character) =>
    character === "\n" || character === "\t"
      ? " "
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`)

const isAscii = /^[\u0020-\u007e]*$/

/** How many cells of a terminal it takes. */
export const width = (text: string): number => isAscii.test(text) ? text.length : CliOutput.displayWidth(text)

/** Its beginning, with `…` for the rest, in so many cells. */
export const elide = (text: string, cells: number): string => {
  if (width(text) <= cells) return text
  let kept = ""
  let taken = 0
  for (const character of text) {
    const more = width(character)
    if (taken + more > cells - 1) break
    kept += character
    taken += more
  }
  return cells < 1 ? "" : `${kept}…`
}

/** Its lines, none wider than so many cells unless it is of one word. */
export const folded = (text: string, cells: number): ReadonlyArray<string> => {
  const [first = "", ...words] = text.split(" ")
  const lines: Array<string> = []
  let line = first
  for (const word of words) {
    if (width(line) + 1 + width(word) <= cells) line = `${line} ${word}`
    else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}

/** A number of bytes with its unit, such as `512 MiB`. */
export const bytes = (count: number | undefined): string =>
  count === undefined ? "-" : ByteSize.format(ByteSize.bytes(Math.round(count)), { precision: 1 })

/** A ratio in per cent. */
export const percent = (ratio: number | undefined): string =>
  ratio === undefined ? "-" : `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)}%`

/** A time span in its largest unit, such as `3 min`. */
export const span = (millis: number): string => {
  const seconds = Math.max(0, Math.round(Duration.toSeconds(Duration.millis(millis))))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** How many of what, such as `1 orphan` or `3 orphans`. */
export const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`
