/** The proof of the checkers: a launcher that has a bug is found out by the simulation. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { checkers } from "../../src/testing/checkers/index.ts"
import { attempts } from "./attempts.ts"
import { type PlantedBug, plantedBugs } from "./PlantedBugs.ts"
import { planted } from "./planted.ts"

const here = fileURLToPath(new URL(".", import.meta.url))

/** What the program prints with `--json`, as far as it matters here. */
const Report = Schema.fromJsonString(Schema.Struct({
  hash: Schema.String,
  violations: Schema.Array(Schema.Struct({ checker: Schema.String, detail: Schema.String })),
  replays: Schema.Array(Schema.String)
}))

/** What a hunt prints. */
const Found = Schema.fromJsonString(Schema.Struct({
  attempt: Schema.optionalKey(Schema.Int),
  others: Schema.Array(Schema.String)
}))

/** Runs a program with a bug in it, and reads what it prints. `cache` is where what was loaded once is kept. */
const run = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  bug: PlantedBug,
  cache: string,
  program: string,
  args: ReadonlyArray<string> = []
) =>
  Effect.callback<{ readonly status: number; readonly output: string }>((resume) => {
    const child = execFile(
      process.execPath,
      ["--import", `${here}plant.ts`, `${here}${program}`, ...args],
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
      Schema.decodeUnknownEffect(schema)(output).pipe(
        Effect.mapError(() => new Error(`${bug.name}: status ${status}: ${output}`)),
        Effect.map((said) => ({ status, said }))
      )
    ),
    Effect.orDie
  )

/** A directory that is gone afterwards. */
const withDirectory = <A>(use: (directory: string) => Effect.Effect<A>): Effect.Effect<A> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "vivarium-planted-"))),
    use,
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )

/** Runs until the checker that must catch the bug has. Says by which of the attempts. */
const hunt = (bug: PlantedBug, cache: string) =>
  Effect.map(run(Found, bug, cache, "hunt.ts"), ({ said: { attempt, others } }) => {
    const choices = attempts[attempt ?? attempts.length]
    if (choices !== undefined) return choices
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
    600_000
  )

  it.live("come again with the command that the program prints", () =>
    withDirectory((cache) =>
      Effect.gen(function*() {
        const [bug] = plantedBugs
        assert.isDefined(bug)
        const { commands, faults, seed } = yield* hunt(bug, cache)
        const choices = ["--seed", `${seed}`, "--commands", `${commands}`, "--faults", faults]
        const first = yield* run(Report, bug, cache, "main.ts", ["--json", ...choices])
        assert.strictEqual(first.status, 1)
        const { hash, replays: [replay = ""], violations } = first.said
        assert.match(replay, /^npm run simulate -- /)
        const again = yield* run(Report, bug, cache, "main.ts", ["--json", ...replay.split(" ").slice(4)])
        assert.deepStrictEqual(again.said.violations, violations)
        assert.strictEqual(again.said.hash, hash)
      })
    ), 120_000)
})
