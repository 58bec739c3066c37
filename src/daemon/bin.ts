#!/usr/bin/env node
/**
 * What is installed as `vivd`: answers at once what needs nothing, and else loads the daemon, compiled as it was the last time.
 */
import { tooOld, version } from "../api/Version.ts"
import * as CompileCache from "../internal/CompileCache.ts"

const args = process.argv.slice(2)
if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) {
  process.stdout.write(`vivd ${version}\n`)
} else if (tooOld(process.versions.node) !== undefined) {
  process.stderr.write(`vivd: ${tooOld(process.versions.node)}\n`)
  process.exitCode = 1
} else {
  const { CACHE_DIRECTORY, HOME, XDG_CACHE_HOME } = process.env
  CompileCache.keep([
    // The service manager's.
    { parent: CACHE_DIRECTORY, name: "compiled" },
    { parent: XDG_CACHE_HOME, name: "vivarium" },
    { parent: HOME, name: ".cache/vivarium" }
  ])
  const { main } = await import("./main.ts")
  main(args)
}
