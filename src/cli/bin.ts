#!/usr/bin/env node
/**
 * What is installed as `viv`: answers at once what needs nothing, and else loads the program, compiled as it was the last time.
 */
import * as Module from "node:module"
import { tooOld, version } from "../api/Version.ts"

const args = process.argv.slice(2)
if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) {
  process.stdout.write(`viv ${version}\n`)
} else if (tooOld(process.versions.node) !== undefined) {
  process.stderr.write(`viv: ${tooOld(process.versions.node)}\n`)
  process.exitCode = 1
} else {
  // Below the home of whoever runs it: where others may write, it would run what they left there.
  const { HOME, XDG_CACHE_HOME } = process.env
  const caches = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : `${HOME}/.cache`)
  if (caches !== undefined) Module.enableCompileCache(`${caches}/vivarium`)
  const { main } = await import("./main.ts")
  main(args)
}
