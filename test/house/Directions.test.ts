/**
 * The linter holds the directions of imports between the rooms: shown by feeding it, in a directory of its own, one file
 * for each import that must be refused and for each that must pass.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, FileSystem, Path, Schema } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

interface Room {
  readonly file: string
  readonly allowed: ReadonlyArray<string>
  readonly refused: ReadonlyArray<string>
}

const platform = ["@effect/platform-node", "@effect/platform-node/NodeServices"]

const rooms: ReadonlyArray<Room> = [
  {
    file: "src/domain/X.ts",
    allowed: ["effect", "effect/encoding", "./Volume.ts"],
    refused: ["effectful", "@effect/vitest", "node:fs", "yaml", "../Virtualizer.ts", "../qmp/QmpClient.ts", ...platform]
  },
  {
    file: "src/VirtualizerX.ts",
    allowed: ["effect", "effect/socket", "./domain/Volume.ts", "./VirtualizerError.ts"],
    refused: [
      "node:fs",
      "./qmp/QmpClient.ts",
      "./backend/qemu/QemuVirtualizer.ts",
      "./launcher/Launcher.ts",
      ...platform
    ]
  },
  {
    file: "src/qmp/X.ts",
    allowed: ["effect", "effect/socket", "node:net", "./QmpError.ts"],
    refused: ["../domain/Volume.ts", "../Virtualizer.ts", "../docker/Engine.ts", "../backend/qemu/X.ts", ...platform]
  },
  {
    file: "src/docker/X.ts",
    allowed: ["effect", "effect/http", "./EngineError.ts"],
    refused: ["../domain/Volume.ts", "../Virtualizer.ts", "../qmp/QmpClient.ts", "../backend/docker/X.ts", ...platform]
  },
  {
    file: "src/internal/X.ts",
    allowed: ["effect", "node:fs/promises", "./DurableFile.ts"],
    refused: ["../domain/Volume.ts", "../Virtualizer.ts", "../launcher/Launcher.ts", "../qmp/QmpClient.ts", ...platform]
  },
  {
    file: "src/payload/X.ts",
    allowed: ["effect", "yaml", "../domain/Volume.ts", "./Native.ts"],
    refused: ["node:fs", "../Virtualizer.ts", "../launcher/Launcher.ts", "../backend/qemu/X.ts", ...platform]
  },
  {
    file: "src/backend/qemu/X.ts",
    allowed: [
      "effect",
      "node:net",
      "../../domain/Volume.ts",
      "../../internal/X.ts",
      "../../Virtualizer.ts",
      "../../qmp/QmpClient.ts",
      "./Y.ts"
    ],
    refused: [
      "../docker/DockerVirtualizer.ts",
      "../simulation/Fault.ts",
      "../../docker/Engine.ts",
      "../../launcher/Launcher.ts",
      "../../payload/Native.ts",
      "../../api/Api.ts",
      "../../daemon/Daemon.ts",
      "../../cli/Command.ts",
      "../../testing/Suite.ts",
      "../../../test/X.ts",
      "../../index.ts",
      ...platform
    ]
  },
  {
    file: "src/backend/docker/X.ts",
    allowed: ["effect", "../../domain/Volume.ts", "../../VirtualizerError.ts", "../../docker/Engine.ts"],
    refused: ["../qemu/QemuVirtualizer.ts", "../../qmp/QmpClient.ts", "../../launcher/Launcher.ts", ...platform]
  },
  {
    file: "src/backend/simulation/X.ts",
    allowed: ["effect", "../../domain/Volume.ts", "../../Virtualizer.ts"],
    refused: [
      "../qemu/QemuVirtualizer.ts",
      "../../qmp/QmpClient.ts",
      "../../launcher/Launcher.ts",
      "node:fs",
      ...platform
    ]
  },
  {
    file: "src/launcher/X.ts",
    allowed: ["effect", "../domain/Volume.ts", "../internal/X.ts", "../payload/X.ts", "../Virtualizer.ts", "./Wish.ts"],
    refused: [
      "../backend/qemu/QemuVirtualizer.ts",
      "../qmp/QmpClient.ts",
      "../api/Api.ts",
      "../../test/X.ts",
      ...platform
    ]
  },
  {
    file: "src/api/X.ts",
    allowed: ["effect", "effect/http-api", "../domain/Volume.ts", "../launcher/Launcher.ts", "../payload/Native.ts"],
    refused: ["../backend/qemu/QemuVirtualizer.ts", "../daemon/Daemon.ts", "../cli/Command.ts", ...platform]
  },
  {
    file: "src/testing/X.ts",
    allowed: ["effect", "effect/testing", "../launcher/Launcher.ts", "../backend/simulation/Fault.ts"],
    refused: [
      "vitest",
      "@effect/vitest",
      "../api/Api.ts",
      "../daemon/Daemon.ts",
      "../cli/Command.ts",
      "../../test/X.ts",
      ...platform
    ]
  },
  {
    file: "src/testing/Conformance.ts",
    allowed: ["effect", "vitest", "./X.ts", "../Virtualizer.ts"],
    refused: [
      "@effect/vitest",
      "../api/Api.ts",
      "../daemon/Daemon.ts",
      "../cli/Command.ts",
      "../../test/X.ts",
      ...platform
    ]
  },
  {
    file: "src/testing/checkers/X.ts",
    allowed: ["effect", "../History.ts", "../../launcher/Launcher.ts"],
    refused: ["vitest", "../../api/Api.ts", "../../daemon/Daemon.ts", "../../../test/X.ts", ...platform]
  },
  {
    file: "src/testing/conformance/X.ts",
    allowed: ["effect", "./Y.ts", "../../Virtualizer.ts"],
    refused: ["vitest", "../../cli/Command.ts", "../../daemon/Daemon.ts", "../../../test/X.ts", ...platform]
  },
  {
    file: "src/daemon/X.ts",
    allowed: ["effect", "../api/Api.ts", "../backend/qemu/QemuVirtualizer.ts"],
    refused: ["../cli/Command.ts", "../testing/Suite.ts", "../../test/X.ts", ...platform]
  },
  {
    file: "src/daemon/main.ts",
    allowed: ["effect", "./Daemon.ts", ...platform],
    refused: ["../cli/Command.ts", "../testing/Suite.ts", "../../test/X.ts"]
  },
  {
    file: "src/cli/X.ts",
    allowed: ["effect", "effect/cli", "../api/Client.ts", "../domain/Volume.ts"],
    refused: ["../launcher/Launcher.ts", "../backend/qemu/QemuVirtualizer.ts", "../daemon/Daemon.ts", ...platform]
  },
  {
    file: "src/cli/main.ts",
    allowed: ["effect", "./Command.ts", "../api/Client.ts", ...platform],
    refused: ["../launcher/Launcher.ts", "../backend/qemu/QemuVirtualizer.ts", "@effect/vitest"]
  },
  {
    file: "src/index.ts",
    allowed: ["./domain/Volume.ts", "./Virtualizer.ts", "./launcher/Launcher.ts", "./payload/Native.ts"],
    refused: [
      "./backend/qemu/QemuVirtualizer.ts",
      "./qmp/QmpClient.ts",
      "./daemon/main.ts",
      "../test/X.ts",
      ...platform
    ]
  },
  {
    file: "src/elsewhere/X.ts",
    allowed: ["effect"],
    refused: ["../../test/X.ts", ...platform]
  }
]

/** The ways to name another module. */
const forms: ReadonlyArray<(specifier: string) => string> = [
  (specifier) => `import { a } from "${specifier}"\nexport const b = a\n`,
  (specifier) => `import type { A } from "${specifier}"\nexport type B = A\n`,
  (specifier) => `export * from "${specifier}"\n`,
  (specifier) => `export const load = () => import("${specifier}")\n`,
  (specifier) => `export type A = import("${specifier}").A\n`
]

const Report = Schema.fromJsonString(Schema.Struct({
  diagnostics: Schema.Array(Schema.Struct({ code: Schema.String, filename: Schema.String }))
}))

/** Lints each text as if it were in that file. Answers the rules that complain, by name of the text. */
const lint = Effect.fnUntraced(function*(texts: ReadonlyMap<string, { readonly file: string; readonly text: string }>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-directions-" })
  const config = yield* fs.readFileString(".oxlintrc.json")
  // One project for each text, since two of them may be about one file.
  const projects = new Map<string, string>()
  for (const [name, { file, text }] of texts) {
    const project = `p${projects.size}`
    projects.set(project, name)
    const target = path.join(directory, project, file)
    yield* fs.makeDirectory(path.dirname(target), { recursive: true })
    yield* fs.writeFileString(path.join(directory, project, ".oxlintrc.json"), config)
    yield* fs.writeFileString(target, text)
  }
  const oxlint = path.resolve("node_modules/.bin/oxlint")
  const json = yield* spawner.string(ChildProcess.make(oxlint, ["--format=json", "."], { cwd: directory }))
  const { diagnostics } = yield* Schema.decodeUnknownEffect(Report)(json)
  const complaints = new Map<string, Array<string>>()
  for (const { code, filename } of diagnostics) {
    const name = projects.get(filename.split("/")[0])!
    complaints.set(name, [...complaints.get(name) ?? [], code])
  }
  return complaints
})

describe("directions of imports", () => {
  layer(NodeServices.layer)((it) => {
    it.effect("every room is refused what it must not import, and nothing else", () =>
      Effect.gen(function*() {
        const texts = new Map<string, { readonly file: string; readonly text: string }>()
        for (const { allowed, file, refused } of rooms) {
          for (const specifier of [...allowed, ...refused]) {
            texts.set(`${file} → ${specifier}`, { file, text: forms[0](specifier) })
          }
        }
        const complaints = yield* lint(texts)
        const actual = [...texts.keys()].filter((name) =>
          complaints.get(name)?.includes("eslint(no-restricted-imports)") === true
        )
        assert.deepStrictEqual(
          actual,
          rooms.flatMap(({ file, refused }) => refused.map((specifier) => `${file} → ${specifier}`))
        )
      }))

    it.effect("every room of src is among them", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const files = yield* fs.readDirectory("src", { recursive: true })
        const there = new Set(files.filter((file) => file.endsWith(".ts")).map((file) => path.dirname(`src/${file}`)))
        const known = new Set(rooms.map(({ file }) => path.dirname(file)))
        assert.deepStrictEqual([...there].filter((room) => !known.has(room)), [])
      }))

    it.effect("every way to name another module is seen", () =>
      Effect.gen(function*() {
        const file = "src/domain/X.ts"
        const specifier = "../launcher/Launcher.ts"
        const texts = new Map(forms.map((form) => [form(specifier), { file, text: form(specifier) }] as const))
        const complaints = yield* lint(texts)
        assert.deepStrictEqual([...texts.keys()].filter((text) => !complaints.has(text)), [])
      }))
  })
})
