/**
 * What the README shows is compiled and run.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Schedule, Stream } from "effect"
import { ChildProcess } from "effect/process"
import manifest from "../../../package.json" with { type: "json" }
import * as QemuDiscovery from "../../../src/backend/qemu/QemuDiscovery.ts"
import * as NativeSpec from "../../../src/payload/NativeSpec.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"
import { inject } from "vitest"
import { killGuests } from "../../host/killGuests.ts"
import * as Programs from "../../host/Programs.ts"
import * as Daemon from "../daemon/Rig.ts"

const root = new URL("../../../", import.meta.url)

const readme = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* fs.readFileString(path.join(yield* path.fromFileUrl(root), "README.md"))
})

/** The only block of a language in a chapter. */
const block = (text: string, chapter: string, language: string): string => {
  const found = text.split(/^## /m).find((body) => body.startsWith(`${chapter}\n`)) ?? ""
  const blocks = [...found.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"))]
  assert.strictEqual(blocks.length, 1, `blocks of ${language}`)
  return blocks[0]?.[1] ?? ""
}

/** What the package exports, by path. */
const exported: Readonly<Record<string, { readonly types: string } | null>> = manifest.exports

/** The source that a path of the package leads to, if it is exported. */
const sourceOf = (path: string): string | undefined => {
  const [directory, name] = [path.slice(0, path.lastIndexOf("/")), path.slice(path.lastIndexOf("/") + 1)]
  const types = exported[`./${path}`]?.types ?? exported[`./${directory}/*`]?.types.replace("*", name)
  return types?.replace("./dist/", "src/").replace(".d.ts", ".ts")
}

/** An example that imports the package, as it is two directories below the project, where the package is not built. */
const onSources = (example: string): string =>
  example.replaceAll(/"vivarium\/(.*)"/g, (_, path: string) => `"../../${sourceOf(path)}"`)

/** A directory within the project, for the sake of its packages, in which TypeScript checks everything. */
const workshop = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const project = yield* path.fromFileUrl(root)
  yield* fs.makeDirectory(path.join(project, ".cache"), { recursive: true })
  const directory = yield* fs.makeTempDirectoryScoped({ directory: path.join(project, ".cache"), prefix: "readme-" })
  yield* fs.writeFileString(
    path.join(directory, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", include: ["*.ts"] })
  )
  const check = run(path.join(project, "node_modules/.bin/tsc"), ["-p", directory])
  return { project, directory, check }
})

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
  const { check, directory } = yield* workshop
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "readme-" })
  yield* killGuests(stateDirectory)
  yield* fs.chmod(stateDirectory, 0o711)
  yield* fs.makeDirectory(path.join(stateDirectory, "images"))
  const { bootDisk } = yield* TinyGuest.copyTo(path.join(stateDirectory, "images"))
  yield* fs.rename(bootDisk, path.join(stateDirectory, "images/debian.raw"))

  const example = block(yield* readme, "Embed it", "ts")
  assert.include(example, "\"/var/lib/vivarium\"")
  const file = path.join(directory, "example.ts")
  yield* fs.writeFileString(file, onSources(example).replace("/var/lib/vivarium", stateDirectory))
  return {
    file,
    check,
    stateDirectory,
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
      const { check, file, left } = yield* embedding
      assert.deepStrictEqual(yield* check, { output: "", status: 0 })
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

  it.effect("has a node of containers that compiles", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const { check, directory } = yield* workshop
      yield* fs.writeFileString(
        path.join(directory, "containers.ts"),
        onSources(block(yield* readme, "Containers", "ts"))
      )
      assert.deepStrictEqual(yield* check, { output: "", status: 0 })
    }))

  it.effect("has a specification that decodes", () =>
    Effect.gen(function*() {
      const spec = yield* NativeSpec.decode(block(yield* readme, "Specifications", "yaml"))
      assert.strictEqual(spec.id, "9c1f-04")
      assert.strictEqual(spec.nics[0]?.kind, "user")
    }))

  it.effect("has a test of a control plane that compiles and passes as it stands there", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const { check, directory, project } = yield* workshop
      yield* fs.copyFile(
        path.join(project, "test/examples/ReplicaSet.ts"),
        path.join(directory, "ReplicaSet.ts")
      )
      yield* fs.writeFileString(
        path.join(directory, "example.test.ts"),
        onSources(block(yield* readme, "Test your own", "ts"))
      )
      assert.deepStrictEqual(yield* check, { output: "", status: 0 })
      const vitest = path.join(project, "node_modules/vitest/vitest.mjs")
      const { output, status } = yield* run("node", [vitest, "run", "--testTimeout=100000", "--root", directory])
      assert.match(output, /Tests .*1 passed/, output)
      assert.strictEqual(status, 0)
    }))

  it.effect("has a configuration that is in order", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const file = `${yield* Daemon.directory}/vivd.yaml`
      yield* fs.writeFileString(file, block(yield* readme, "Run it as a service", "yaml"))
      assert.deepStrictEqual(yield* Daemon.vivd("config", "check", "--config", file), {
        code: 0,
        stdout: "the configuration is in order\n",
        stderr: ""
      })
    }).pipe(Effect.provideService(Programs.Programs, Programs.make(inject("programs")))))

  it.effect("has requests to a daemon that do what it says", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* Daemon.directory
      const daemon = yield* Daemon.start(directory, "--simulate", "true")
      yield* fs.writeFileString(
        `${directory}/web.yaml`,
        "{id: ab-01, name: web, labels: {tier: web}, virtualizer: simulation, memory: 64 MiB, boot: {kind: kernel, kernel: /k}}"
      )
      const requests = block(yield* readme, "Over HTTP", "sh")
      assert.include(requests, "/run/vivarium/vivd.sock")
      const script = requests.replace("/run/vivarium/vivd.sock", daemon.socket)
        // Events would be followed for ever.
        .replace("curl -sS", "curl -sS --fail-with-body --max-time 2 -w '%{stderr}%{http_code}\\n'")
      const { stderr, stdout } = yield* Daemon.run("bash", "-c", `cd ${directory}; ${script}`)
      assert.deepStrictEqual(stderr.match(/^\d{3}$/gm), ["201", "202", "200", "200"], stderr)
      for (const told of ["\"Running\"", "\"operation\"", "\"instances\"", "event: Snapshot"]) {
        assert.include(stdout, told)
      }
    }).pipe(Effect.provideService(Programs.Programs, Programs.make(inject("programs")))))

  it.effect("names paths of the package, and files, that there are", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const project = yield* path.fromFileUrl(root)
      const text = yield* readme
      const sources = [...text.matchAll(/[`"]vivarium\/([\w/]+)[`"]/g)].map(([, name]) =>
        sourceOf(name) ?? `no ${name}`
      )
      const linked = [...text.matchAll(/\]\(([\w./]+)\)/g)].map(([, file]) => file)
      assert.isAbove(sources.length, 10)
      assert.isAbove(linked.length, 3)
      for (const file of [...sources, ...linked]) assert.isTrue(yield* fs.exists(path.join(project, file)), file)
    }))
})
