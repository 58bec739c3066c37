/**
 * The small read-only disk on which cloud-init finds an instance's data.
 * https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html and …/configdrive.html
 */
import { Effect, FileSystem, Path } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { CloudInit } from "../../domain/CloudInit.ts"
import type { InstanceId, InstanceName } from "../../domain/InstanceId.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as HostCommand from "./HostCommand.ts"
import * as HostFiles from "./HostFiles.ts"
import * as HostUser from "./HostUser.ts"

/** What a seed says. */
export interface SeedData {
  readonly cloudInit: CloudInit
  readonly id: InstanceId
  readonly name?: InstanceName | undefined
}

/** A seed: the label cloud-init looks for, and its files by path. */
export interface Seed {
  readonly label: string
  readonly files: Readonly<Record<string, string>>
}

/** What is on the seed disk of an instance. */
export const contents = ({ cloudInit, id, name }: SeedData): Seed => {
  const { dataSource, userData, metaData } = cloudInit
  switch (dataSource) {
    case "nocloud": {
      // JSON strings are YAML strings: an id such as 67e8 must not be read as a number.
      const lines = [`instance-id: ${JSON.stringify(id)}\n`]
      if (name !== undefined) lines.push(`local-hostname: ${JSON.stringify(name)}\n`)
      // cloud-init takes the disk for a seed only if both files are there.
      return { label: "cidata", files: { "user-data": userData ?? "", "meta-data": metaData ?? lines.join("") } }
    }
    case "config-drive":
      return {
        label: "config-2",
        files: {
          "openstack/latest/meta_data.json": metaData ?? JSON.stringify({ uuid: id, hostname: name }),
          ...(userData === undefined ? {} : { "openstack/latest/user_data": userData })
        }
      }
  }
}

/** What stands for every time in a seed, and the identifiers made from it: 1980. To xorriso, 0 would be the present. */
const everyTime = "315532800"

const xorriso: HostCommand.Tool = { name: "xorriso", package: "xorriso" }

/**
 * Makes `target` the seed of an instance: an ISO 9660 image that the guests' user alone can read (0600), the same bytes
 * for the same data. User data and meta data are in it byte for byte. A file that is there is replaced. Interruption or
 * failure leave nothing, and what was there as it was. Only who may be trusted may write to the target's directory.
 *
 * Fails with `NoSpace` or `HostFailure`. Needs xorriso.
 */
export const create = Effect.fn("CloudInitSeed.create")(
  function*(
    options: SeedData & { readonly target: string; readonly user: HostUser.HostUser }
  ): Effect.fn.Return<
    void,
    VirtualizerError,
    FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
  > {
    const fs = yield* FileSystem.FileSystem
    const { dirname } = yield* Path.Path
    const { target, user } = options
    const { label, files } = contents(options)
    const source = `${target}.files`
    const remove = Effect.ignore(fs.remove(source, { recursive: true, force: true }))
    const writeSource = Effect.gen(function*() {
      yield* fs.makeDirectory(source, { mode: 0o700 })
      for (const [name, content] of Object.entries(files)) {
        yield* HostFiles.makeDirectory(dirname(`${source}/${name}`))
        yield* fs.writeFileString(`${source}/${name}`, content)
      }
    }).pipe(Effect.mapError((error) => error._tag === "PlatformError" ? HostFiles.writeFailure(target)(error) : error))
    const write = (temporary: string) =>
      Effect.gen(function*() {
        yield* writeSource
        const outcome = yield* HostCommand.run(xorriso, [
          ...["-no_rc", "-as", "mkisofs", "-quiet", "-o", temporary, "-V", label, "-J", "-r", "-no-pad"],
          ...["--set_all_file_dates", `=${everyTime}`, source]
        ], { SOURCE_DATE_EPOCH: everyTime })
        if (outcome.code !== 0) return yield* HostCommand.writeFailure(target, xorriso, outcome)
        yield* HostUser.give(user, temporary, 0o600)
        // Once the seed is there, nobody comes back for what it was made of.
        yield* remove
      })
    // What a killed process left goes first.
    yield* remove.pipe(Effect.andThen(HostFiles.produce(target, write)), Effect.ensuring(remove))
  }
)
