/**
 * How help and wrong command lines are told. What is wrong is told in a few lines that say where help is; help itself fits a terminal.
 */
import { Console, Effect } from "effect"
import { CliOutput } from "effect/cli"

/** Lines that are wider are broken between words, and go on below where their text began. */
const wrap = (line: string, columns: number): string => {
  const indent = /^ *(?:\S+(?: \S+)*? {2,})?/.exec(line)?.[0].length ?? 0
  if (line.length <= columns || indent > columns / 2) return line
  const lines: Array<string> = []
  let current = ""
  for (const word of line.slice(indent).split(" ")) {
    if (current !== "" && indent + current.length + 1 + word.length > columns) {
      lines.push(current)
      current = word
    } else current = current === "" ? word : `${current} ${word}`
  }
  return [...lines, current].map((part, index) => (index === 0 ? line.slice(0, indent) : " ".repeat(indent)) + part)
    .join("\n")
}

const wrapped = (text: string, columns: number): string =>
  text.split("\n").map((line) => wrap(line, columns)).join("\n")

const exitCodes = (meanings: Program["exitCodes"]): string =>
  ["\nEXIT CODES", ...meanings.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`)].join("\n")

const inOneLine = (message: string): string =>
  message.trim().replace(/\n\n\s*Did you mean this\?\n\s*/, ": did you mean ").replaceAll(/\n\s+/g, " or ")

/** What there is to do comes before how it can be said. */
const commandsFirst = (help: string): string => {
  const sections = help.replace(/([^\n]\n)(?=EXAMPLES\n)/, "$1\n").split("\n\n")
  const isFlags = (section: string) => /^(GLOBAL )?FLAGS\n/.test(section)
  const examples = sections.findIndex((section) => section.startsWith("EXAMPLES"))
  const last = examples < 0 ? sections.length : examples
  return [
    ...sections.slice(0, last).filter((section) => !isFlags(section)),
    ...sections.filter(isFlags),
    ...sections.slice(last)
  ].join("\n\n")
}

/** A program whose help is told. */
export interface Program {
  readonly name: string
  /** How wide its help may be. */
  readonly columns: number
  readonly exitCodes: ReadonlyArray<readonly [code: number, meaning: string]>
}

/** Tells help on standard output, and what is wrong on standard error. */
export const presenter = (program: Program): CliOutput.Presenter => {
  const { columns, name } = program
  const formatter = CliOutput.defaultFormatter({ colors: false, inheritedFlags: "summary", globalFlags: "none" })
  return {
    present: (event) => {
      switch (event._tag) {
        case "Help": {
          const help = formatter.formatHelpDoc(event.helpDoc).replace(
            "for inherited flags",
            "for the flags of all commands"
          )
          return Console.log(
            wrapped(
              event.commandPath.length > 1 ? help : commandsFirst(help) + "\n" + exitCodes(program.exitCodes),
              columns
            )
          )
        }
        case "InvalidInvocation":
          return Effect.forEach(
            [
              ...event.errors.map((error) => `${name}: ${inOneLine(formatter.formatCliError(error))}`),
              `Run '${event.commandPath.join(" ")} --help' for how to use it.`
            ],
            (line) => Console.error(line),
            { discard: true }
          )
        case "Version":
          return Console.log(`${event.name} ${event.version}`)
      }
    }
  }
}
