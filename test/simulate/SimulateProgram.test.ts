/** The simulation's program, as its users run it. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import * as Fault from "../../src/backend/simulation/Fault.ts"

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program in a process of its own. */
const simulate = (...args: ReadonlyArray<string>) =>
  Effect.promise(async (): Promise<Ended> => {
    try {
      const main = new URL("./main.ts", import.meta.url).pathname
      return { code: 0, ...await promisify(execFile)(process.execPath, [main, ...args]) }
    } catch (error) {
      return error as Ended
    }
  })

describe("simulate", () => {
  it.live("does the same in every process", () =>
    Effect.gen(function*() {
      const args = ["--seed", "12", "--commands", "400", "--crash-mean", "1000", "--json"]
      const [one, other] = yield* Effect.all([simulate(...args), simulate(...args)], { concurrency: 2 })
      assert.deepStrictEqual(one, other)
      const document: unknown = JSON.parse(one.stdout)
      assert.containsAllKeys(document, ["commands", "faults", "crashes", "virtualMillis", "violations", "hash"])
      const threads = yield* simulate("--seeds", "2", "--seed", "12", "--commands", "100", "--json")
      const again = yield* simulate("--seeds", "2", "--seed", "12", "--commands", "100", "--json")
      assert.strictEqual(threads.stdout, again.stdout)
    }), 60_000)

  it.live("fits into 80 columns", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* simulate("--commands", "200", "--faults", "hostile")
      assert.strictEqual(code, 0)
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 80, line)
      assert.match(stdout, /^commands +200 /m)
      assert.match(stdout, /^hash +[0-9a-f]{16}$/m)
    }), 60_000)

  it.live("refuses what makes no sense, with status 2", () =>
    Effect.gen(function*() {
      for (const args of [["--faults", "some"], ["--commands", "0"], ["--seed", "x"], ["--what"]]) {
        const { code, stderr } = yield* simulate(...args)
        assert.strictEqual(code, 2, args.join(" "))
        assert.include(stderr, args[0])
      }
    }), 60_000)

  it.live("writes a trace, and says in words where it can not", () =>
    Effect.gen(function*() {
      const run = ["--commands", "20", "--trace"]
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/trace`
      const { code, stdout } = yield* simulate(...run, path)
      assert.strictEqual(code, 0)
      assert.match(stdout, /^commands +20 /m)
      assert.match(yield* fs.readFileString(path), /^0 launcher 1 begins\n/)
      const directory = yield* simulate(...run, "/")
      assert.strictEqual(directory.code, 2)
      assert.match(directory.stderr, /^--trace can not write into \/: EISDIR/)
      const full = yield* simulate(...run, "/dev/full")
      assert.strictEqual(full.code, 2)
      assert.match(full.stderr, /^--trace can not write into \/dev\/full: ENOSPC/)
      assert.match(full.stdout, /^commands +20 /m)
      const several = yield* simulate(...run, "/dev/null", "--seeds", "2")
      assert.strictEqual(several.code, 2)
      assert.include(several.stderr, "--trace is for one seed")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.live("tells what each fault does", () =>
    Effect.gen(function*() {
      const { stdout } = yield* simulate("--help")
      const words = stdout.replaceAll(/\s+/g, " ")
      for (const [name, what] of Object.entries(Fault.faults)) {
        assert.include(words, ` ${name} (`)
        assert.include(words, what)
      }
    }))
})
