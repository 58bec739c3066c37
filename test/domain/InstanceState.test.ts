import { assert, describe, it } from "@effect/vitest"
import { moves, seedState, tags } from "../../src/domain/InstanceState.ts"

describe("InstanceState", () => {
  it("names every state once", () => {
    assert.strictEqual(new Set(tags).size, tags.length)
    assert.strictEqual(tags.length, 11)
  })

  it("has legal moves for every state, each to another one, each once", () => {
    assert.deepStrictEqual(Object.keys(moves).toSorted(), [...tags].toSorted())
    for (const tag of tags) {
      assert.notInclude(moves[tag], tag)
      assert.strictEqual(new Set(moves[tag]).size, moves[tag].length)
      for (const target of moves[tag]) assert.include(tags, target)
    }
  })

  it("lets every state become unknown, and unknown all but pending", () => {
    for (const tag of tags) {
      if (tag === "Unknown") continue
      assert.include(moves[tag], "Unknown")
      assert.strictEqual(moves.Unknown.includes(tag), tag !== "Pending")
    }
  })

  it("begins with pending: nothing leads back to it", () => {
    for (const tag of tags) assert.notInclude(moves[tag], "Pending")
  })

  it("is told to the seed system in its three words", () => {
    assert.strictEqual(seedState({ _tag: "Starting" }), "pending")
    assert.strictEqual(seedState({ _tag: "Stopping" }), "active")
    assert.strictEqual(seedState({ _tag: "Exited", status: { _tag: "PoweredOff" } }), "exited")
  })
})
