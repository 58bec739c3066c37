/**
 * What the program says of itself, in lines of 80 columns: what it does, how it ends, and every fault.
 */
import * as Fault from "../../src/backend/simulation/Fault.ts"
import * as Outcome from "./Outcome.ts"

const width = 80

const percent = (probability = 0): string => `${Math.round(probability * 100)} %`

const paragraph = (text: string): ReadonlyArray<string> => Outcome.wrapped(text, width - 2)

const faults = Object.entries(Fault.faults).map(([name, what]) => {
  const { [name as Fault.Fault]: onBadDay } = Fault.standard
  const { [name as Fault.Fault]: whenHostile } = Fault.hostile
  const lines = Outcome.wrapped(what, width - 4).map((line) => `  ${line}`)
  return [`${name} (${percent(onBadDay)}, ${percent(whenHostile)})`].concat(lines)
})

const paragraphs: ReadonlyArray<ReadonlyArray<string>> = [
  paragraph(
    "Random commands from concurrent clients against launchers that crash, on a simulated host, on virtual time. " +
      "The same seed and numbers give the same run. Ends with status 1, and the command that runs it again, when a " +
      "promise was not kept, and with status 2 when it was asked for what makes no sense."
  ),
  paragraph("What can go wrong, and how likely it is with --faults default and with --faults hostile:"),
  ...faults
]

/** For `--help`. */
export const description = paragraphs.map((lines) => lines.join("\n  ")).join("\n\n  ")
