/**
 * What the launcher says of this machine, held against what the machine's own tools say.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Schema } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { NodeSample } from "../../src/domain/NodeSample.ts"
import { NodeResources, NodeResourcesError } from "../../src/launcher/NodeResources.ts"
import * as NodeResourcesFixed from "../../src/launcher/NodeResourcesFixed.ts"
import * as NodeResourcesLinux from "../../src/launcher/NodeResourcesLinux.ts"
import { tmpfs } from "../host/tmpfs.ts"

const said = Effect.fnUntraced(function*(command: string, ...args: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  return (yield* spawner.string(ChildProcess.make(command, args, { stdin: "ignore" }))).trim()
})

const sampleOf = (directory: string) => Effect.flatMap(NodeResourcesLinux.make(directory), ({ sample }) => sample)

const Links = Schema.fromJsonString(Schema.Array(Schema.Struct({
  ifname: Schema.String,
  address: Schema.String,
  flags: Schema.Array(Schema.String),
  addr_info: Schema.Array(Schema.Struct({ family: Schema.String, local: Schema.String, scope: Schema.String }))
})))

describe("NodeResourcesLinux", () => {
  layer(NodeServices.layer)((it) => {
    it.effect("tells what hostname, nproc, ulimit and /proc tell", () =>
      Effect.gen(function*() {
        const sample = yield* sampleOf("/")
        assert.strictEqual(sample.hostname, yield* said("hostname"))
        assert.strictEqual(sample.cpusOnline, Number(yield* said("nproc")))
        // A child has this process's limit.
        assert.strictEqual(sample.descriptorsMax, Number(yield* said("sh", "-c", "ulimit -n")))
        const total = 1024 * Number(yield* said("awk", "/^MemTotal:/ { print $2 }", "/proc/meminfo"))
        assert.isAtMost(sample.memoryTotalBytes, total)
        assert.isAtMost(sample.memoryAvailableBytes, sample.memoryTotalBytes)
        assert.isAbove(sample.memoryAvailableBytes, 0)
        assert.isAtLeast(sample.loadAverage, 0)
        assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(NodeSample)(sample), sample)
      }))

    it.effect("tells the interfaces and addresses that ip(8) tells, but for loopback and those only of a link", () =>
      Effect.gen(function*() {
        const { nics } = yield* sampleOf("/")
        const links = yield* Schema.decodeEffect(Links)(yield* said("ip", "-json", "addr"))
        const wanted = links.filter(({ flags }) => !flags.includes("LOOPBACK") && flags.includes("LOWER_UP"))
          .map(({ addr_info, address, ifname }) => ({
            name: ifname,
            mac: address,
            addresses: addr_info.filter(({ family, scope }) => family === "inet" || scope !== "link")
              .map(({ local }) => local)
          }))
          .filter(({ addresses }) => addresses.length > 0)
        const sorted = (one: { name: string; mac: string; addresses: ReadonlyArray<string> }) => ({
          ...one,
          addresses: one.addresses.toSorted()
        })
        assert.deepStrictEqual(
          nics.map(sorted).toSorted((a, b) => a.name.localeCompare(b.name)),
          wanted.map(sorted).toSorted((a, b) => a.name.localeCompare(b.name))
        )
      }))

    it.effect("tells the space of the directory's own file system, and what has been taken of it", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const directory = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-resources-" })
        yield* tmpfs(directory, "size=1m")
        const { sample } = yield* NodeResourcesLinux.make(directory)
        const empty = yield* sample
        assert.strictEqual(empty.diskTotalBytes, 1024 * 1024)
        assert.strictEqual(empty.diskAvailableBytes, 1024 * 1024)
        yield* fs.writeFile(`${directory}/file`, new Uint8Array(256 * 1024))
        assert.strictEqual((yield* sample).diskAvailableBytes, 768 * 1024)
      }))

    it.effect("tells of the machine's own disk what df(1) tells", () =>
      Effect.gen(function*() {
        const { diskAvailableBytes, diskTotalBytes } = yield* sampleOf("/")
        const [, size, available] = /(\d+) +(\d+)$/.exec(yield* said("df", "-B1", "--output=size,avail", "/")) ?? []
        assert.strictEqual(diskTotalBytes, Number(size))
        // Others write to it meanwhile.
        assert.isAtMost(Math.abs(diskAvailableBytes - Number(available)), 1024 ** 3)
      }))

    it.effect("fails, naming the directory, where there is none", () =>
      Effect.gen(function*() {
        const { message } = yield* Effect.flip(sampleOf("/nowhere/at/all"))
        assert.include(message, "/nowhere/at/all")
        assert.include(message, "ENOENT")
      }))
  })
})

describe("NodeResourcesFixed", () => {
  const given: NodeSample = {
    hostname: "node",
    memoryTotalBytes: 2,
    memoryAvailableBytes: 1,
    diskTotalBytes: 4,
    diskAvailableBytes: 3,
    loadAverage: 0,
    cpusOnline: 1,
    descriptorsMax: 1024,
    nics: []
  }

  layer(NodeResourcesFixed.layer(given))((it) => {
    it.effect("has what it was given", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* (yield* NodeResources).sample, given)
      }))
  })

  layer(NodeServices.layer)((it) => {
    it.effect("has what an effect answers, each time anew, also when that fails", () =>
      Effect.gen(function*() {
        let asked = 0
        const { sample } = NodeResourcesFixed.make(Effect.suspend(() => {
          asked += 1
          return asked === 2
            ? Effect.fail(new NodeResourcesError({ message: "not now" }))
            : Effect.succeed({ ...given, cpusOnline: asked })
        }))
        assert.strictEqual((yield* sample).cpusOnline, 1)
        assert.strictEqual((yield* Effect.flip(sample)).message, "not now")
        assert.strictEqual((yield* sample).cpusOnline, 3)
      }))
  })
})
