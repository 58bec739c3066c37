#!/usr/bin/env node
/**
 * What is installed as `vivd`: answers at once what needs nothing, and else loads the daemon, compiled as it was the last time.
 */
import * as Module from "node:module"
import { tooOld, version } from "../api/Version.ts"

const args = process.argv.slice(2)
if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) {
  process.stdout.write(`vivd ${version}\n`)
} else if (tooOld(process.versions.node) !== undefined) {
  process.stderr.write(`vivd: ${tooOld(process.versions.node)}\n`)
  process.exitCode = 1
} else {
  // The service manager's, or below the home of whoever runs it: where others may write, it would run what they left there.
  const { CACHE_DIRECTORY, HOME, XDG_CACHE_HOME } = process.env
  const caches = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : `${HOME}/.cache`)
  const directory = CACHE_DIRECTORY ?? (caches === undefined ? undefined : `${caches}/vivarium`)
  if (directory !== undefined) Module.enableCompileCache(directory)
  const { main } = await import("./main.ts")
  main(args)
}
