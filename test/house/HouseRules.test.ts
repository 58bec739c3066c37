/**
 * The house rules: what the sources may not contain. A failure names the place and what to use in its stead.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import manifest from "../../package.json" with { type: "json" }
import { findings, linesAtMost, rules, strayKeys, withoutComments } from "./rules.ts"

/** The sources, by path. The rules themselves are not among them: they spell out what they ban. */
const sources = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const paths = (yield* Effect.forEach(["src", "test"], (root) =>
    Effect.map(fs.readDirectory(root, { recursive: true }), (names) =>
      names.map((name) =>
        `${root}/${name}`
      )))).flat()
  const wanted = paths.filter((path) =>
    path.endsWith(".ts") && !path.startsWith("test/house/")
  )
  return yield* Effect.forEach(wanted.sort(), (path) =>
    Effect.map(fs.readFileString(path), (text) => ({ path, text })), { concurrency: 16 })
})

describe("house rules", () => {
  layer(NodeServices.layer)((it) => {
    for (const rule of rules) {
      it.effect(rule.name, () =>
        Effect.gen(function*() {
          const found = (yield* sources)
            .filter(({ path }) => rule.files.test(path) && rule.except?.test(path) !== true)
            .flatMap(({ path, text }) => findings(rule, text).map((line) => `${path}:${line}: use ${rule.instead}`))
          assert.deepStrictEqual(found, [])
        }))
    }

    it.effect(`files have ${linesAtMost} lines at most`, () =>
      Effect.gen(function*() {
        const long = (yield* sources)
          .filter(({ text }) => text.split("\n").length - 1 > linesAtMost)
          .map(({ path }) => `${path}: give each concept a file of its own`)
        assert.deepStrictEqual(long, [])
      }))

    it.effect("a service's key is vivarium/ and its name", () =>
      Effect.gen(function*() {
        const stray = (yield* sources)
          .filter(({ path }) => path.startsWith("src/"))
          .flatMap(({ path, text }) => strayKeys(text).map((key) => `${path}: ${key}`))
        assert.deepStrictEqual(stray, [])
      }))

    it.effect("what package.json exports has a source", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        for (const [name, target] of Object.entries(manifest.exports)) {
          if (target === null) continue
          const source = target.types.replace("./dist/", "src/").replace(
            /(\/\*)?\.d\.ts$/,
            (_, all) => all ? "" : ".ts"
          )
          assert.isTrue(yield* fs.exists(source), `${name} leads to ${source}, which is not there`)
          assert.strictEqual(target.default, target.types.replace(/\.d\.ts$/, ".js"))
        }
      }))
  })
})

describe("the rules themselves", () => {
  for (const rule of rules) {
    it(`${rule.name}: what is wrong is found, what is right is not`, () => {
      for (const text of rule.examples.wrong) {
        assert.deepStrictEqual(findings(rule, `\n${text}\n`), [2], text)
      }
      for (const text of rule.examples.right) {
        assert.deepStrictEqual(findings(rule, `\n${text}\n`), [], text)
      }
    })
  }

  it("comments count only where a rule says so", () => {
    const timers = rules.find(({ name }) => name === "timers")!
    assert.deepStrictEqual(findings(timers, "/*\n * setTimeout is banned\n */\nsetTimeout(f) // setTimeout"), [4])
    assert.deepStrictEqual(findings(timers, "const url = \"http://x\"; setTimeout(f)"), [1])
  })

  it("taking comments out leaves everything else where it was", () => {
    assert.strictEqual(
      withoutComments("a // b\n/* c\nd */ e \"// f\" `/* g */` = /\\/\\* [/*]/ // h"),
      "a \n\n e \"// f\" `/* g */` = /\\/\\* [/*]/ "
    )
  })

  it("a stray service key is found", () => {
    const service = (key: string) =>
      `export class Launcher extends Context.Service<Launcher, {\n  a: 1\n}>()("${key}") {}`
    assert.deepStrictEqual(strayKeys(service("vivarium/Launcher")), [])
    assert.deepStrictEqual(strayKeys(service("Launcher")), ["Launcher has the key Launcher"])
  })
})
