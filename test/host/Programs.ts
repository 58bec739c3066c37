/**
 * The programs as they are installed: bundled.
 */
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, FileSystem, Layer, Path, Stream } from "effect"
import { ChildProcess } from "effect/process"

export class Programs extends Context.Service<Programs, {
  readonly viv: string
  readonly vivd: string
  /** What keeps their compiled code beside them. */
  readonly environment: Readonly<Record<string, string>>
}>()("vivarium/Programs") {}

/** Those of a directory. */
export const make = (directory: string): Programs["Service"] => ({
  viv: `${directory}/viv.mjs`,
  vivd: `${directory}/vivd.mjs`,
  environment: { CACHE_DIRECTORY: `${directory}/cache`, XDG_CACHE_HOME: `${directory}/cache` }
})

/** Those of a directory, and what runs them. */
export const layer = (directory: string) =>
  Layer.effect(
    Programs,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const absolute = path.resolve(directory)
      yield* fs.makeDirectory(`${absolute}/cache`, { recursive: true, mode: 0o700 })
      return make(absolute)
    })
  ).pipe(Layer.provideMerge(NodeServices.layer))

/** Bundles them into a directory. */
export const bundle = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const child = yield* ChildProcess.make(process.execPath, ["scripts/bundle.mjs", directory], { stdin: "ignore" })
  const said = yield* Stream.mkString(Stream.decodeText(child.all))
  yield* fs.makeDirectory(`${directory}/cache`, { recursive: true, mode: 0o700 })
  if ((yield* child.exitCode) !== 0) return yield* Effect.die(new Error(`the programs could not be bundled: ${said}`))
}, Effect.scoped)

/** A directory of their own, as long as the scope is open. */
export const bundled = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-programs-" })
  yield* bundle(directory)
  return directory
})

/** Bundled, and what runs them. */
export const layerBundled = Layer.provideMerge(
  Layer.effect(Programs, Effect.map(bundled, make)),
  NodeServices.layer
)
