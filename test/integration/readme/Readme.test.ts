/**
 * What the README shows is compiled and run.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Schedule, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as NativeSpec from "../../../src/payload/NativeSpec.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import { killGuests } from "../../host/killGuests.ts"

const root = new URL("../../../", import.meta.url)

const readme = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* fs.readFileString(path.join(yield* path.fromFileUrl(root), "README.md"))
})

/** The only block of a language. */
const block = (text: string, language: string): string => {
  const blocks = [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"))]
  assert.strictEqual(blocks.length, 1, `blocks of ${language}`)
  return blocks[0]?.[1] ?? ""
}

const run = Effect.fnUntraced(function*(command: string, args: ReadonlyArray<string>) {
  const child = yield* ChildProcess.make(command, args, { stdin: "ignore" })
  const [output, status] = yield* Effect.all([Stream.mkString(Stream.decodeText(child.all)), child.exitCode], {
    concurrency: "unbounded"
  })
  return { output, status: Number(status) }
}, Effect.scoped)

/** The embedding example as a file of its own, on a state directory of its own, with nothing else changed. */
const embedding = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const project = yield* path.fromFileUrl(root)
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "readme-" })
  yield* killGuests(stateDirectory)
  yield* fs.chmod(stateDirectory, 0o711)
  yield* fs.makeDirectory(path.join(stateDirectory, "images"))
  const { bootDisk } = yield* TinyGuest.copyTo(path.join(stateDirectory, "images"))
  yield* fs.rename(bootDisk, path.join(stateDirectory, "images/debian.raw"))

  // Within the project, for the sake of its packages.
  yield* fs.makeDirectory(path.join(project, ".cache"), { recursive: true })
  const directory = yield* fs.makeTempDirectoryScoped({ directory: path.join(project, ".cache"), prefix: "readme-" })
  const example = block(yield* readme, "ts")
  assert.include(example, "\"/var/lib/vivarium\"")
  const file = path.join(directory, "example.ts")
  yield* fs.writeFileString(
    file,
    example.replaceAll(/"vivarium\/(.*)"/g, "\"../../src/$1.ts\"").replace("/var/lib/vivarium", stateDirectory)
  )
  return {
    file,
    directory,
    stateDirectory,
    tsc: path.join(project, "node_modules/.bin/tsc"),
    left: Effect.gen(function*() {
      const directories = yield* Effect.forEach(
        ["instances", "records"],
        (name) => fs.readDirectory(path.join(stateDirectory, name))
      )
      return [...directories.flat(), ...yield* QemuDiscovery.scan(stateDirectory)]
    })
  }
})

layer(NodeServices.layer, { excludeTestServices: true })("the README", (it) => {
  it.effect("has an embedding example that compiles, runs a guest and leaves nothing", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const { directory, file, left, tsc } = yield* embedding
      yield* fs.writeFileString(
        `${directory}/tsconfig.json`,
        JSON.stringify({ extends: "../../tsconfig.json", include: ["example.ts"] })
      )
      assert.deepStrictEqual(yield* run(tsc, ["-p", directory]), { output: "", status: 0 })
      const { output, status } = yield* run("node", [file])
      assert.match(output, /9c1f-04 is Running and uses \d{8,} bytes/)
      assert.strictEqual(status, 0)
      assert.deepStrictEqual(yield* left, [])
    }))

  for (const moment of ["records/9c1f-04.json", "instances/9c1f-04/guest/disk.qcow2", "instances/9c1f-04/guest/run"]) {
    it.effect(`has an embedding example that leaves nothing after a Ctrl-C as soon as there is ${moment}`, () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const { file, left, stateDirectory } = yield* embedding
        const child = yield* ChildProcess.make("node", [file], { stdin: "ignore", stdout: "ignore", stderr: "inherit" })
        yield* fs.exists(`${stateDirectory}/${moment}`).pipe(
          Effect.repeat({ until: (isThere) => isThere, schedule: Schedule.spaced("1 millis") }),
          Effect.timeout("30 seconds")
        )
        yield* Effect.sync(() => process.kill(child.pid, "SIGINT"))
        assert.strictEqual(yield* child.exitCode, 130)
        assert.deepStrictEqual(yield* left, [])
      }))
  }

  it.effect("has a specification that decodes", () =>
    Effect.gen(function*() {
      const spec = yield* NativeSpec.decode(block(yield* readme, "yaml"))
      assert.strictEqual(spec.id, "9c1f-04")
      assert.strictEqual(spec.nics[0]?.kind, "user")
    }))

  it.effect("names paths of the package that there are", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const project = yield* path.fromFileUrl(root)
      const manifest = yield* fs.readFileString(path.join(project, "package.json")).pipe(
        Effect.flatMap(Schema.decodeEffect(
          Schema.fromJsonString(Schema.Struct({ exports: Schema.Record(Schema.String, Schema.Unknown) }))
        ))
      )
      const named = [...(yield* readme).matchAll(/[`"]vivarium\/([\w/]+)[`"]/g)].map(([, name]) => `./${name}`)
      assert.isAbove(named.length, 5)
      for (const name of named) {
        assert.isTrue(name in manifest.exports || `${path.dirname(name)}/*` in manifest.exports, `${name} is exported`)
      }
    }))
})
