import type { KnipConfig } from "knip"
import manifest from "./package.json" with { type: "json" }

/** The sources of what the package exports: nothing is dead that leads back to one of them. */
const exported = Object.values(manifest.exports).flatMap((target) =>
  target === null ? [] : [target.types.replace("./dist/", "src/").replace(".d.ts", ".ts")]
)

export default {
  entry: [
    ...exported,
    "src/daemon/bin.ts",
    "src/cli/bin.ts",
    "test/demo/main.ts",
    "test/bench/main.ts",
    "test/bench/scaleProcess.ts",
    "test/simulate/main.ts",
    "test/simulate/hunt.ts",
    "test/simulate/plant.ts",
    "test/soak/main.ts",
    "scripts/*.mjs"
  ],
  // A type or an error that a public function speaks of is public too.
  ignoreExportsUsedInFile: true,
  project: ["src/**/*.ts", "test/**/*.ts", "scripts/*.mjs"],
  // Programs of the host.
  ignoreBinaries: ["flock"],
  ignoreDependencies: [
    // Programs that the shell scripts start, and what these load by themselves.
    "@arethetypeswrong/cli",
    "@dprint/.*",
    "dprint",
    "oxlint",
    "oxlint-tsgolint",
    "publint",
    // The name of the type checker's plugin, which the patched type checker has built in.
    "@effect/language-service"
  ]
} satisfies KnipConfig
