/** The proof of the checkers: a launcher that has a bug is found out by the simulation. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { checkers } from "../../src/testing/checkers/index.ts"
import { type PlantedBug, plantedBugs } from "./PlantedBugs.ts"
import { planted } from "./planted.ts"

const here = fileURLToPath(new URL(".", import.meta.url))

/** What the program prints with `--json`, as far as it matters here. */
const Report = Schema.fromJsonString(Schema.Struct({
  hash: Schema.String,
  violations: Schema.Array(Schema.Struct({ checker: Schema.String, detail: Schema.String })),
  replays: Schema.Array(Schema.String)
}))

interface Ended {
  readonly status: number
  readonly report: typeof Report.Type
}

/** Runs the simulation with a bug in it. `cache` is where what was loaded once is kept. */
const simulate = (bug: PlantedBug, cache: string, choices: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.callback<{ readonly status: number; readonly output: string }>((resume) => {
    const child = execFile(
      process.execPath,
      ["--import", `${here}plant.ts`, `${here}main.ts`, "--json", ...choices],
      {
        env: { ...process.env, VIVARIUM_PLANTED_BUG: bug.name, NODE_COMPILE_CACHE: cache },
        maxBuffer: 1e9
      },
      (_error, stdout, stderr) =>
        resume(Effect.succeed({ status: child.exitCode ?? -1, output: stdout === "" ? stderr : stdout }))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  }).pipe(
    Effect.flatMap(({ output, status }) =>
      Schema.decodeEffect(Report)(output).pipe(
        Effect.mapError(() => new Error(`${bug.name}: status ${status}: ${output}`)),
        Effect.map((report) => ({ status, report }))
      )
    ),
    Effect.orDie
  )

/** Most bugs are found by the first of these; no bug may get past all of them. */
const attempts = [
  ["--seed", "1", "--commands", "400", "--faults", "hostile"],
  ["--seed", "2", "--commands", "1000"],
  ["--seed", "3", "--commands", "1000", "--faults", "hostile"],
  ["--seed", "4", "--commands", "2000"],
  ["--seed", "5", "--commands", "2000", "--faults", "hostile"]
]

/** A directory that is gone afterwards. */
const withDirectory = <A>(use: (directory: string) => Effect.Effect<A>): Effect.Effect<A> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vivarium-planted-"))),
    use,
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )

/** Runs until the checker that must catch the bug has, and answers what was found then. */
const hunt = (bug: PlantedBug, cache: string) =>
  Effect.gen(function*() {
    const others: Array<string> = []
    for (const choices of attempts) {
      const { report, status } = yield* simulate(bug, cache, choices)
      const isCaught = report.violations.some(({ checker }) => checker === bug.caughtBy)
      assert.strictEqual(status, report.violations.length > 0 ? 1 : 0)
      if (isCaught) return report
      others.push(...report.violations.map(({ checker, detail }) => `${checker}: ${detail}`))
    }
    return assert.fail(`"${bug.name}" is not caught by "${bug.caughtBy}"; this is: ${others.join("; ") || "nothing"}`)
  })

describe("planted bugs", () => {
  it("have their places in the sources, and a checker each", () => {
    for (const { caughtBy, edits } of plantedBugs) {
      assert.isTrue(checkers.some(({ name }) => name === caughtBy), caughtBy)
      for (const edit of edits) planted(readFileSync(`${here}../../src/${edit.file}`, "utf8"), edit)
    }
    const idle = checkers.filter(({ name }) => plantedBugs.every(({ caughtBy }) => caughtBy !== name))
    assert.deepStrictEqual(idle.map(({ name }) => name), [])
  })

  it.live(
    "are found out, each by its checker",
    () =>
      withDirectory((cache) =>
        Effect.forEach(plantedBugs, (bug) => hunt(bug, cache), { concurrency: 2, discard: true })
      ),
    300_000
  )

  it.live("come again with the command that the program prints", () =>
    withDirectory((cache) =>
      Effect.gen(function*() {
        const [bug] = plantedBugs
        assert.isDefined(bug)
        const { hash, replays: [replay = ""], violations } = yield* hunt(bug, cache)
        assert.match(replay, /^npm run simulate -- /)
        const { report } = yield* simulate(bug, cache, replay.split(" ").slice(4))
        assert.deepStrictEqual(report.violations, violations)
        assert.strictEqual(report.hash, hash)
      })
    ), 120_000)
})
