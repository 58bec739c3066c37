/**
 * How help and wrong command lines are told. What is wrong is told in a few lines that say where help is; help itself fits a terminal.
 */
import { Console, Effect } from "effect"
import { CliOutput } from "effect/cli"
import { meanings } from "./ExitCode.ts"

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

const exitCodes = [
  "",
  "EXIT CODES",
  ...meanings.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`),
  "  130  interrupted; what that leaves is told"
].join("\n")

const inOneLine = (message: string): string =>
  message.trim().replace(/\n\n\s*Did you mean this\?\n\s*/, ": did you mean ").replaceAll(/\n\s+/g, " or ")

/** What there is to do comes before how it can be said. */
const commandsFirst = (help: string): string => {
  const sections = help.split("\n\n")
  const isFlags = (section: string) => /^(GLOBAL )?FLAGS\n/.test(section)
  const last = sections.findIndex((section) => section.startsWith("EXAMPLES"))
  return [
    ...sections.slice(0, last).filter((section) => !isFlags(section)),
    ...sections.filter(isFlags),
    ...sections.slice(last)
  ].join("\n\n")
}

/** Tells help on standard output, and what is wrong on standard error. */
export const presenter = (columns: number): CliOutput.Presenter => {
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
            wrapped(event.commandPath.length > 1 ? help : commandsFirst(help) + "\n" + exitCodes, columns)
          )
        }
        case "InvalidInvocation":
          return Effect.forEach(
            [
              ...event.errors.map((error) => `viv: ${inOneLine(formatter.formatCliError(error))}`),
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
