/**
 * The control groups of this machine may be of either version, so those of both are laid out as files.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import * as CgroupMemory from "../../src/internal/CgroupMemory.ts"

const machineBytes = 1_000_000

type Files = Readonly<Record<string, string>>

/** Lays out files below a directory of its own; `@` in a file stands for that directory. */
const laidOut = Effect.fnUntraced(function*(files: Files) {
  const fs = yield* FileSystem.FileSystem
  const { dirname, join } = yield* Path.Path
  const root = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-cgroups-" })
  for (const [name, text] of Object.entries(files)) {
    yield* fs.makeDirectory(dirname(join(root, name)), { recursive: true })
    yield* fs.writeFileString(join(root, name), text.replaceAll("@", root))
  }
  return CgroupMemory.limit(CgroupMemory.find(join(root, "self")), machineBytes)
})

const version2 = (path: string, root: string): Files => ({
  "self/cgroup": `0::${path}\n`,
  "self/mountinfo": [
    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
    `30 22 0:26 ${root} @/cgroup rw,nosuid shared:9 master:1 - cgroup2 cgroup2 rw,nsdelegate`,
    ""
  ].join("\n")
})

const group2 = (directory: string, max: string, current: number, inactive: number): Files => ({
  [`${directory}/memory.max`]: `${max}\n`,
  [`${directory}/memory.current`]: `${current}\n`,
  [`${directory}/memory.stat`]: `anon 1\nfile 2\nactive_file 5\ninactive_file ${inactive}\n`
})

const version1 = (path: string, root: string): Files => ({
  "self/cgroup": `5:devices:/\n4:cpu,memory:${path}\n3:cpuset:/elsewhere\n0::/\n`,
  "self/mountinfo": [
    `35 31 0:32 ${root} @/cpuset rw - cgroup cgroup rw,cpuset`,
    `35 31 0:32 ${root} @/memory rw,relatime - cgroup cgroup rw,cpu,memory`,
    "41 31 0:38 / @/unified rw,relatime - cgroup2 cgroup2 rw",
    ""
  ].join("\n")
})

const group1 = (directory: string, limit: string, usage: number, inactive: number): Files => ({
  [`${directory}/memory.limit_in_bytes`]: `${limit}\n`,
  [`${directory}/memory.usage_in_bytes`]: `${usage}\n`,
  [`${directory}/memory.stat`]: `inactive_file 1\ntotal_inactive_file ${inactive}\n`
})

describe("CgroupMemory", () => {
  layer(NodeServices.layer)((it) => {
    it.effect("version 2: what its own group leaves, pages of files that nobody needs counted as free", () =>
      Effect.gen(function*() {
        const files = { ...version2("/a/b", "/"), ...group2("cgroup/a/b", "600000", 250_000, 50_000) }
        assert.deepStrictEqual(yield* laidOut(files), { totalBytes: 600_000, availableBytes: 400_000 })
      }))

    it.effect("version 2: the groups above limit it too, each in its way", () =>
      Effect.gen(function*() {
        const files = {
          ...version2("/a/b", "/"),
          ...group2("cgroup/a", "700000", 690_000, 0),
          ...group2("cgroup/a/b", "600000", 100_000, 0)
        }
        assert.deepStrictEqual(yield* laidOut(files), { totalBytes: 600_000, availableBytes: 10_000 })
      }))

    it.effect("version 2: no limit, or one above what the machine has, is none", () =>
      Effect.gen(function*() {
        for (const max of ["max", `${machineBytes}`, "9223372036854771712", "", "-1", "1e3"]) {
          assert.isUndefined(yield* laidOut({ ...version2("/a", "/"), ...group2("cgroup/a", max, 1, 0) }), max)
        }
      }))

    it.effect("version 1: its own group's limit, in the tree that counts memory", () =>
      Effect.gen(function*() {
        const files = {
          ...version1("/a", "/"),
          ...group1("memory/a", "600000", 250_000, 50_000),
          ...group1("memory", "9223372036854771712", 900_000, 0),
          ...group1("cpuset/a", "1", 1, 0)
        }
        assert.deepStrictEqual(yield* laidOut(files), { totalBytes: 600_000, availableBytes: 400_000 })
      }))

    it.effect("in a container, where only its own group is mounted", () =>
      Effect.gen(function*() {
        for (const path of ["/docker/abc", "/", "/../elsewhere"]) {
          const root = path === "/" ? "/" : "/docker/abc"
          const limit = { totalBytes: 600_000, availableBytes: 400_000 }
          const two = { ...version2(path, root), ...group2("cgroup", "600000", 200_000, 0) }
          const one = { ...version1(path, root), ...group1("memory", "600000", 200_000, 0) }
          assert.deepStrictEqual(yield* laidOut(two), limit, path)
          assert.deepStrictEqual(yield* laidOut(one), limit, path)
        }
      }))

    it.effect("a group whose name looks like the path of another, and one with a space", () =>
      Effect.gen(function*() {
        const files = {
          "self/cgroup": "0::/..a/b:c d\n",
          "self/mountinfo": "30 22 0:26 / @/c\\040g rw - cgroup2 cgroup2 rw\n",
          ...group2("c g/..a/b:c d", "600000", 200_000, 0)
        }
        assert.deepStrictEqual(yield* laidOut(files), { totalBytes: 600_000, availableBytes: 400_000 })
      }))

    it.effect("more used than allowed leaves nothing, and is not less than nothing", () =>
      Effect.gen(function*() {
        const over = { ...version2("/a", "/"), ...group2("cgroup/a", "600000", 700_000, 0) }
        assert.deepStrictEqual(yield* laidOut(over), { totalBytes: 600_000, availableBytes: 0 })
        const freed = { ...version2("/a", "/"), ...group2("cgroup/a", "600000", 10, 700_000) }
        assert.deepStrictEqual(yield* laidOut(freed), { totalBytes: 600_000, availableBytes: 600_000 })
      }))

    it.effect("texts that are none, or are missing, limit nothing", () =>
      Effect.gen(function*() {
        assert.isUndefined(yield* laidOut({}))
        assert.isUndefined(yield* laidOut({ "self/cgroup": "\n\u0000:::\n0:", "self/mountinfo": " - \n\n- cgroup2\n" }))
        assert.isUndefined(yield* laidOut(version2("/a/b", "/")))
      }))
  })
})
