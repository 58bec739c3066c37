/** The heap of those who sleep. */
import { assert, describe, it } from "@effect/vitest"
import { Dice } from "../../src/internal/Dice.ts"
import { type Sleeper, Sleepers } from "../../src/testing/Sleepers.ts"

/** All that are in it, in the order in which they wake. */
const drain = <A>(sleepers: Sleepers<A>): ReadonlyArray<A | undefined> =>
  Array.from({ length: sleepers.size }, () => sleepers.pop())

describe("sleepers", () => {
  it("wake in the order of time, and at one time in the order in which they came", () => {
    const sleepers = new Sleepers<string>()
    for (const [atMillis, name] of [[5, "a"], [3, "b"], [5, "c"], [1, "d"], [3, "e"], [5, "f"]] as const) {
      sleepers.add(atMillis, name)
    }
    assert.strictEqual(sleepers.nextMillis, 1)
    assert.deepStrictEqual(drain(sleepers), ["d", "b", "e", "a", "c", "f"])
    assert.strictEqual(sleepers.nextMillis, undefined)
    assert.strictEqual(sleepers.pop(), undefined)
  })

  it("are those of a sorted list, whoever comes, wakes and is taken out", () => {
    for (let seed = 0; seed < 50; seed++) {
      const dice = new Dice(seed)
      const sleepers = new Sleepers<number>()
      const all: Array<Sleeper<number>> = []
      let expected: Array<Sleeper<number>> = []
      for (let name = 0; name < 400; name++) {
        const what = dice.below(10)
        if (what < 6) {
          const sleeper = sleepers.add(dice.below(40), name)
          all.push(sleeper)
          const later = expected.findIndex(({ atMillis }) => atMillis > sleeper.atMillis)
          expected.splice(later === -1 ? expected.length : later, 0, sleeper)
        } else if (what < 8) {
          assert.strictEqual(sleepers.pop(), expected.shift()?.value)
        } else if (all.length > 0) {
          // Also one that is there no more.
          const sleeper = all[dice.below(all.length)]
          sleepers.remove(sleeper)
          expected = expected.filter((other) => other !== sleeper)
        }
        assert.strictEqual(sleepers.size, expected.length)
        assert.strictEqual(sleepers.nextMillis, expected.at(0)?.atMillis)
      }
      assert.deepStrictEqual(drain(sleepers), expected.map(({ value }) => value))
    }
  })

  it("leave nothing behind when they are taken out", () => {
    const sleepers = new Sleepers<number>()
    const staying = sleepers.add(500_000, -1)
    let most = 0
    for (let name = 0; name < 1_000_000; name++) {
      const sleeper = sleepers.add(1_000_000 - name, name)
      most = Math.max(most, sleepers.size)
      sleepers.remove(sleeper)
      sleepers.remove(sleeper)
    }
    assert.strictEqual(most, 2)
    assert.strictEqual(sleepers.size, 1)
    assert.strictEqual(sleepers.nextMillis, staying.atMillis)
  })
})
