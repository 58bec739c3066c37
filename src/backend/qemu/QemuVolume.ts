/**
 * Getting a volume ready to be opened by a guest.
 */
import { Effect } from "effect"
import type { Volume } from "../../domain/Volume.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import * as HostPaths from "./HostPaths.ts"
import * as HostUser from "./HostUser.ts"
import * as QemuDevices from "./QemuDevices.ts"
import type { QemuHost } from "./QemuHost.ts"
import * as QemuImage from "./QemuImage.ts"

/** The files of an image, and what the guests' user must be able to do with each. */
const files = (image: QemuImage.QemuImage, readOnly: boolean) =>
  image.layers.flatMap(({ dataFile, path }, index) => {
    const access = index === 0 && !readOnly ? "write" as const : "read" as const
    return [{ path, access }, ...(dataFile === undefined ? [] : [{ path: dataFile, access }])]
  })

/**
 * Makes sure that every file of an image can be read by the guests' user. Fails with `ImageUnusable` or `HostFailure`.
 * Changes nothing.
 */
export const checkReadable = Effect.fnUntraced(function*(
  host: QemuHost,
  image: QemuImage.QemuImage
): Effect.fn.Return<void, VirtualizerError> {
  yield* Effect.forEach(files(image, true), ({ path }) => HostUser.checkAccess(host.user, path, "read"), {
    discard: true
  }).pipe(Effect.provideContext(host.services))
})

/**
 * How QEMU is to open a volume, once all of its files have been found sound, within the roots, and permitted. As root, a
 * file of the state directory's `volumes` that the guest shall write is handed over to the guests' user: it is there for
 * nothing else. Of files elsewhere nothing is changed. Fails with `ImageUnusable`, `PathRefused` or `HostFailure`.
 */
export const prepare = Effect.fn("QemuVolume.prepare")(function*(
  { config, services, user }: QemuHost,
  { id, readOnly, source }: Volume
): Effect.fn.Return<QemuImage.Blockdev, VirtualizerError> {
  return yield* Effect.gen(function*() {
    const image = yield* QemuImage.inspect(source.path, source.format, HostPaths.roots(config))
    for (const { access, path } of files(image, readOnly)) {
      const isOurs = access === "write" && (yield* HostPaths.isWithin(path, `${config.stateDirectory}/volumes`))
      yield* isOurs ? HostUser.handOver(user, path) : HostUser.checkAccess(user, path, access)
    }
    return QemuImage.blockdev(image, { nodeName: QemuDevices.volumeNode(id), readOnly })
  }).pipe(Effect.provideContext(services))
})
