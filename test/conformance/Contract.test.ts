import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { tests } from "../../src/testing/conformance/tests.ts"
import { sentences } from "./contractSentences.ts"

/** The sentences of the comments in a source. */
const sentencesOf = (source: string): ReadonlyArray<string> =>
  [...source.matchAll(/\/\*\*([\s\S]*?)\*\//g)].flatMap(([, comment = ""]) =>
    comment.replace(/^\s*\* ?/gm, "").split(/\n\s*\n|\n(?=- )/).flatMap((paragraph) =>
      paragraph.replace(/\s+/g, " ").trim().split(/(?<=\.) (?=[A-Z`*])/)
    )
  )

layer(NodeServices.layer)("the contract", (it) => {
  describe("each sentence", () => {
    it.effect("is held by a test, or says what something is", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const source = yield* fs.readFileString("src/Virtualizer.ts")
        assert.deepStrictEqual(
          sentences.map(({ sentence }) => sentence).toSorted(),
          [...new Set(sentencesOf(source))].toSorted()
        )
      }))

    it.effect("names tests that there are, and every test holds a sentence", () =>
      Effect.sync(() => {
        const parts = sentences.flatMap(({ tests }) => tests)
        assert.deepStrictEqual(parts.filter((part) => !tests.some(({ name }) => name.includes(part))), [])
        assert.deepStrictEqual(
          tests.map(({ name }) => name).filter((name) => !parts.some((part) => name.includes(part))),
          []
        )
      }))
  })
})
