/**
 * The type checker knows Effect's own rules and fails on them: a type checker without them would say nothing at all.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** What must be refused, by the rule that refuses it. */
const wrong: Readonly<Record<string, string>> = {
  anyUnknownInErrorContext: "export const a = Effect.fail<unknown>(1)",
  floatingEffect: "export const b = Effect.gen(function*() {\n  Effect.log(1)\n  yield* Effect.void\n})",
  globalConsole: "export const c = () => console.log(1)",
  globalDate: "export const d = () => Date.now()",
  globalRandom: "export const e = () => Math.random()",
  globalTimers: "export const f = () => setTimeout(() => {}, 1)",
  missingReturnYieldStar: "export const g = Effect.gen(function*() {\n  yield* Effect.fail(\"x\" as const)\n})",
  processEnv: "export const h = () => process.env[\"HOME\"]"
}

/** Checks the text as a source of this project. Answers the rules that complain, and the exit status. */
const check = Effect.fnUntraced(function*(text: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-effect-rules-" })
  yield* fs.symlink(path.resolve("node_modules"), path.join(directory, "node_modules"))
  yield* fs.copyFile("tsconfig.json", path.join(directory, "tsconfig.json"))
  yield* fs.writeFileString(path.join(directory, "package.json"), `{ "type": "module" }`)
  yield* fs.makeDirectory(path.join(directory, "src"))
  yield* fs.writeFileString(path.join(directory, "src", "X.ts"), `import { Effect } from "effect"\n${text}\n`)
  const tsc = yield* spawner.spawn(
    ChildProcess.make(path.resolve("node_modules/.bin/tsc"), ["-p", "."], { cwd: directory })
  )
  const output = yield* Stream.mkString(Stream.decodeText(tsc.stdout))
  return {
    rules: [...new Set([...output.matchAll(/ effect\((\w+)\)$/gm)].map(([, rule]) => rule))].sort(),
    status: yield* tsc.exitCode
  }
})

describe("Effect's rules", () => {
  layer(NodeServices.layer)((it) => {
    it.effect("what breaks one fails the type check", () =>
      Effect.gen(function*() {
        const { rules, status } = yield* check(Object.values(wrong).join("\n"))
        assert.deepStrictEqual(rules, Object.keys(wrong).sort())
        assert.notStrictEqual(status, 0)
      }))

    it.effect("what keeps them passes", () =>
      Effect.gen(function*() {
        const { rules, status } = yield* check("export const a = Effect.log(1)")
        assert.deepStrictEqual(rules, [])
        assert.strictEqual(status, 0)
      }))
  })
})
