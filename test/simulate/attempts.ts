/** Runs that find planted bugs. Most are found by the first of them; none may get past all. */
import type { Choices } from "./Outcome.ts"

const standard = { seeds: 1, instances: 8, yieldBudget: 5, crashMeanSteps: 4_000 }

export const attempts: ReadonlyArray<Choices> = [
  { ...standard, seed: 1, commands: 400, faults: "hostile" },
  { ...standard, seed: 2, commands: 1_000, faults: "default" },
  { ...standard, seed: 3, commands: 1_000, faults: "hostile" },
  { ...standard, seed: 4, commands: 2_000, faults: "default" },
  { ...standard, seed: 5, commands: 2_000, faults: "hostile" }
]
