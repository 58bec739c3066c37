/**
 * What came of one or more runs of the simulation, without their histories: what the program tells.
 */
import * as Fault from "../../src/backend/simulation/Fault.ts"
import type { SimulationReport } from "../../src/testing/Simulation.ts"

/** The presets of faults, by the name that they have on a command line. */
export const presets = { none: Fault.none, default: Fault.standard, hostile: Fault.hostile }

/** What decides how runs come out. */
export interface Choices {
  readonly seed: number
  /** How many seeds, from `seed` on. */
  readonly seeds: number
  /** How many commands each run asks for. */
  readonly commands: number
  readonly instances: number
  readonly faults: keyof typeof presets
  readonly yieldBudget: number
  readonly crashMeanSteps: number
}

/** A promise that was not kept, and in which run. */
export interface SeededViolation {
  readonly seed: number
  readonly checker: string
  readonly atMillis: number
  readonly detail: string
}

/** What came of them. */
export interface Outcome extends Omit<SimulationReport, "seed" | "violations" | "history"> {
  readonly violations: ReadonlyArray<SeededViolation>
}

/** What came of one run. */
export const of = (report: SimulationReport): Outcome => {
  const { closes, commands, crashes, faults, hash, seed, steps, virtualMillis } = report
  const violations = report.violations.map(({ atMillis, checker, detail }) => ({ seed, checker, atMillis, detail }))
  return { commands, faults, crashes, closes, virtualMillis, steps, violations, hash }
}

/** What came of several runs, in the order of their seeds. One is as it is. */
export const sum = (outcomes: ReadonlyArray<Outcome>): Outcome => {
  const [first] = outcomes
  if (first !== undefined && outcomes.length === 1) return first
  const total = (value: (outcome: Outcome) => number) => outcomes.reduce((sum, one) => sum + value(one), 0)
  const names = [...new Set(outcomes.flatMap(({ faults }) => Object.keys(faults)))].sort()
  return {
    commands: total(({ commands }) => commands),
    faults: Object.fromEntries(names.map((name) => [name, total(({ faults }) => faults[name] ?? 0)])),
    crashes: total(({ crashes }) => crashes),
    closes: total(({ closes }) => closes),
    virtualMillis: total(({ virtualMillis }) => virtualMillis),
    steps: total(({ steps }) => steps),
    violations: outcomes.flatMap(({ violations }) => violations),
    hash: combined(outcomes.map(({ hash }) => hash))
  }
}

/** One hash of several: FNV-1a over their text. */
const combined = (hashes: ReadonlyArray<string>): string => {
  let hash = 0xcbf29ce484222325n
  for (const character of hashes.join(" ")) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n)
  }
  return hash.toString(16).padStart(16, "0")
}

/** The command that runs one seed again. */
export const replay = (choices: Choices, seed: number): string =>
  [
    `npm run simulate -- --seed ${seed} --commands ${choices.commands} --instances ${choices.instances}`,
    `--faults ${choices.faults} --yield ${choices.yieldBudget} --crash-mean ${choices.crashMeanSteps}`
  ].join(" ")

/** How many violations are shown in words. */
const shown = 10

const width = 80

/** In words, in lines of 80 columns, but for the command to be copied. */
export const format = (choices: Choices, outcome: Outcome): string => {
  const { closes, commands, crashes, faults, hash, steps, violations, virtualMillis } = outcome
  const struck = Object.entries(faults).map(([name, count]) => `${name}_${count}`)
  const seeds = [...new Set(violations.map(({ seed }) => seed))]
  return [
    ...row("seed", choices.seeds === 1 ? `${choices.seed}` : `${choices.seed} and the ${choices.seeds - 1} after it`),
    ...row("commands", `${commands} on ${choices.instances} instances`),
    ...row("faults", struck.length === 0 ? "none" : struck.join(", ")).map((line) => line.replaceAll("_", " ")),
    ...row("crashes", `${crashes}, and ${closes} launchers closed in good order`),
    ...row("virtual time", `${formatMillis(virtualMillis)} in ${steps} steps`),
    ...row("violations", `${violations.length}`),
    ...row("hash", hash),
    ...violations.slice(0, shown).flatMap(formatViolation),
    ...violations.length > shown ? ["", `and ${violations.length - shown} more`] : [],
    ...seeds.length === 0 ? [] : ["", "again:"],
    ...seeds.slice(0, shown).map((seed) => replay(choices, seed))
  ].join("\n")
}

const formatViolation = ({ atMillis, checker, detail, seed }: SeededViolation): ReadonlyArray<string> => [
  "",
  ...wrapped(`seed ${seed} at ${atMillis} ms: ${checker}: ${detail}`, width)
]

const row = (name: string, text: string): ReadonlyArray<string> =>
  wrapped(text, width - 14).map((line, index) => `${(index === 0 ? name : "").padEnd(13)} ${line}`)

/** Broken between words. A word that is longer stays whole. */
export const wrapped = (text: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + word.length >= columns) {
      lines.push(line)
      line = ""
    }
    line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const formatMillis = (millis: number): string => {
  const seconds = Math.floor(millis / 1_000)
  return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds / 60) % 60} min ${seconds % 60} s`
}
