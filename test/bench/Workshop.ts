/**
 * Where a bench works: a directory of its own with the tiny guest, a node on it, and whatever ran there ended after it.
 */
import { ByteSize, Effect, FileSystem, Path, Stream } from "effect"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import * as Traces from "../host/Traces.ts"
import * as TinyGuest from "../guest/TinyGuest.ts"
import * as Built from "./Built.ts"

/** A directory that guests can reach. Its end is the end of every process that names it. */
export const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const directory = yield* Effect.acquireRelease(fs.makeTempDirectory({ prefix: "vivarium-bench-" }), Traces.sweep)
  yield* fs.chmod(directory, 0o711)
  const guests = join(directory, "guests")
  yield* fs.makeDirectory(guests, { mode: 0o755 })
  const guest = yield* TinyGuest.copyTo(guests)
  const config = Built.config(join(directory, "node"), [guests])
  const user = yield* Built.HostUser.make(config)
  return { directory, guest, config, user }
})

/** A bench's surroundings. */
export type Workshop = Effect.Success<typeof make>

/** The id of the instance with this number. */
export const instanceId = (number: number): InstanceId =>
  InstanceId.make(`be9c4000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`)

const memory = ByteSize.mebibytes(96)

/** A guest that boots its kernel directly, without any disk. */
export const bare = ({ guest }: Workshop, number: number): InstanceSpec =>
  InstanceSpec.make({
    id: instanceId(number),
    memory,
    boot: { kind: "kernel", kernel: guest.kernel, initrd: guest.initrd, commandLine: guest.commandLine }
  })

/** A guest with a disk of its own over an image, and a cloud-init seed. */
export const withDisk = ({ guest }: Workshop, number: number): InstanceSpec =>
  InstanceSpec.make({
    id: instanceId(number),
    memory,
    boot: { kind: "image", path: guest.bootDisk, format: "raw" },
    cloudInit: { dataSource: "nocloud", userData: "#cloud-config\n" }
  })

/** The pid of an instance's guest. */
export const pidOf = Effect.fnUntraced(function*({ config }: Workshop, id: InstanceId) {
  const qemu = yield* Built.QemuVirtualizer.make(config)
  const found = yield* Stream.runCollect(qemu.discover)
  return Number(/\d+/.exec(found.find((guest) => guest.id === id)?.handle ?? "")?.[0])
})
