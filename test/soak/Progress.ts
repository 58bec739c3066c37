/**
 * What a soak has gone through and found so far, told in lines of 80 columns, but for commands to be copied.
 */
import { Clock, Console, Effect } from "effect"

/** The parts of a round. */
export const parts = ["simulate", "crashes", "faults", "engines", "outcomes", "kills"] as const

export type Part = typeof parts[number]

/** What is counted in each. */
const units: Readonly<Record<Part, string>> = {
  simulate: "simulated commands",
  crashes: "crash points",
  faults: "write faults",
  engines: "Docker Engines killed or restarted",
  outcomes: "sequences on QEMU, Docker and the simulation",
  kills: "times that a daemon was killed"
}

/** How often a part is told of. */
const tellEveryMillis = 10_000

const width = 80

export class Progress {
  /** How many violations there have been. */
  violations = 0
  private readonly counts: Record<Part, number> = {
    simulate: 0,
    crashes: 0,
    faults: 0,
    engines: 0,
    outcomes: 0,
    kills: 0
  }
  private rounds = 0
  private readonly beganMillis: number
  private toldMillis = 0

  constructor(nowMillis: number) {
    this.beganMillis = nowMillis
  }

  /** A round begins. */
  begin(seed: number): Effect.Effect<void> {
    return Console.log(`round ${this.rounds + 1}, seed ${seed}`)
  }

  /** A round is over. */
  end(): void {
    this.rounds++
  }

  /** So much more has been gone through. */
  count(part: Part, more: number): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      this.counts[part] += more
      if (now - this.toldMillis < tellEveryMillis) return Effect.void
      this.toldMillis = now
      return Console.log(`  ${formatMillis(now - this.beganMillis)}  ${this.row(part)}`)
    })
  }

  /** Something was wrong: what, in words, and the command that shows it again. */
  violation(part: Part, what: string, again: string): Effect.Effect<void> {
    this.violations++
    return Console.log([...wrap(`VIOLATION ${part}: ${what}`), `  again: ${again}`].join("\n"))
  }

  private row(part: Part): string {
    return `${part.padEnd(9)} ${this.counts[part]} ${units[part]}, ${this.violations} violations in all`
  }

  /** All of it. */
  totals(how: "done" | "interrupted"): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Console.log([
        `soak: ${how} after ${formatMillis(now - this.beganMillis)}`,
        `  rounds    ${this.rounds} whole`,
        ...parts.map((part) => `  ${part.padEnd(9)} ${this.counts[part]} ${units[part]}`),
        `  violations ${this.violations}`
      ].join("\n")))
  }
}

/** Broken between words. */
const wrap = (text: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => {
    const lines: Array<string> = []
    let rest = line
    while (rest.length > width) {
      const at = rest.lastIndexOf(" ", width)
      const end = at > 2 ? at : width
      lines.push(rest.slice(0, end))
      rest = `  ${rest.slice(end).trimStart()}`
    }
    return lines.concat(rest)
  })

const formatMillis = (millis: number): string => {
  const seconds = Math.floor(millis / 1_000)
  const two = (value: number) => `${value}`.padStart(2, "0")
  return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}
