/**
 * Hunts for the bug that `plant.ts` has planted into this process: runs the simulation until the checker complains that must, and
 * tells what it found as a line of JSON.
 */
import { attempts } from "./attempts.ts"
import { plantedBugs } from "./PlantedBugs.ts"
import { runSeed } from "./Runs.ts"

const caughtBy = plantedBugs.find(({ name }) => name === process.env["VIVARIUM_PLANTED_BUG"])?.caughtBy

/** Which of the runs caught the bug by its checker, and what other checkers said before. */
const hunt = (): { readonly attempt: number | undefined; readonly others: ReadonlyArray<string> } => {
  const others: Array<string> = []
  for (const [attempt, choices] of attempts.entries()) {
    const { violations } = runSeed(choices, choices.seed)
    if (violations.some(({ checker }) => checker === caughtBy)) return { attempt, others }
    others.push(...violations.map(({ checker, detail }) => `${checker}: ${detail}`))
  }
  return { attempt: undefined, others }
}

process.stdout.write(JSON.stringify(hunt()))
