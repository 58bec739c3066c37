/** The tables of commands and codes, as people read them. */
import { codes } from "./codes.ts"
import { type Cell, table } from "./commandTable.ts"
import { commands, places } from "./states.ts"

/** A Markdown table whose columns are aligned, as the formatter has it. */
const markdownTable = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const [head = []] = rows
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>, fill = " ") =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`
  return [line(head), line(head.map(() => ""), "-"), ...rows.slice(1).map((row) => line(row))].join("\n")
}

const inMarkdown = (cell: Cell): string => cell === "ok" || cell.startsWith("→") ? cell : `\`${cell}\``

export const document = `# What commands come to

Generated from \`test/launcher/commandTable.ts\` and \`test/launcher/codes.ts\`, and held by \`test/launcher/CommandTable.test.ts\`:
change those, then run \`npm test -- test/launcher/CommandTable.test.ts -u\`.

## Every command, wherever it meets an instance

\`→ Running\` says that the command succeeds, and where its instance is then. \`ok\` is an answer that changes nothing; a code is a
refusal that changes nothing, but for \`timed_out\`: what was asked for is on record, and done when the guest can be reached. Where
it says so, whoever waited for the start, or the stop, gets \`superseded\`. Unknown is a guest that can not be reached for longer
than the command's deadline; it is not asked for its statistics, but measured from outside.

${
  markdownTable([
    ["", ...commands],
    ...places.map((place) => [place as string].concat(commands.map((command) => inMarkdown(table[place][command]))))
  ])
}

## Every code

Beside these, \`StartBorder\` says \`image_failure\` for \`already_attached\` and \`attach_failure\`, and \`launch_failure\` for
\`instance_failure\` and \`crash_loop\`: the seed system's START knows no others.

${
  markdownTable([
    ["Code", "Failure", "When"],
    ...codes.map(({ code, failure, when }) => [`\`${code}\``, failure, when])
  ])
}
`
