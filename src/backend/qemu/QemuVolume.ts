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

/**
 * Makes sure that every file of an image can be opened by the guests' user, the image itself for writing too unless it is
 * `readOnly`. Fails with `ImageUnusable` or `HostFailure`. Changes nothing.
 */
export const checkAccess = Effect.fnUntraced(function*(
  host: QemuHost,
  image: QemuImage.QemuImage,
  readOnly: boolean
): Effect.fn.Return<void, VirtualizerError> {
  const files = image.layers.flatMap(({ dataFile, path }, index) => {
    const access = index === 0 && !readOnly ? "write" as const : "read" as const
    return [{ path, access }, ...(dataFile === undefined ? [] : [{ path: dataFile, access }])]
  })
  yield* Effect.forEach(files, ({ access, path }) => HostUser.checkAccess(host.user, path, access), { discard: true })
    .pipe(Effect.provideContext(host.services))
})

/**
 * How QEMU is to open a volume, once all of its files have been found sound, within the roots, and permitted. Changes
 * nothing. Fails with `ImageUnusable`, `PathRefused` or `HostFailure`.
 */
export const prepare = Effect.fn("QemuVolume.prepare")(function*(
  host: QemuHost,
  { id, readOnly, source }: Volume
): Effect.fn.Return<QemuImage.Blockdev, VirtualizerError> {
  const image = yield* QemuImage.inspect(source.path, source.format, HostPaths.roots(host.config)).pipe(
    Effect.provideContext(host.services)
  )
  yield* checkAccess(host, image, readOnly)
  return QemuImage.blockdev(image, { nodeName: QemuDevices.volumeNode(id), readOnly })
})
