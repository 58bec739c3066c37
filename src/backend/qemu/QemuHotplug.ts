/**
 * Plugging volumes into a running guest, and unplugging them.
 * https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html: blockdev-add, device_add, device_del, blockdev-del
 *
 * Nothing is remembered: what there is is asked of QEMU each time, so that a launcher that adopted the guest, or was
 * interrupted, goes on from whatever it finds.
 */
import { Duration, Effect, Schedule, Schema } from "effect"
import { type Volume, VolumeId } from "../../domain/Volume.ts"
import type { QmpClient } from "../../qmp/QmpClient.ts"
import * as QmpCommands from "../../qmp/QmpCommands.ts"
import { isClass, type QmpError } from "../../qmp/QmpError.ts"
import type { QmpEvent } from "../../qmp/QmpEvent.ts"
import { AttachFailed, DetachFailed, fail, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"
import * as QemuDevices from "./QemuDevices.ts"
import type { Blockdev } from "./QemuImage.ts"
import { isPaused } from "./RunState.ts"

/** How often a guest is asked again to let a device go: one that boots does not hear it. */
const askAgainAfter = Duration.seconds(1)

/**
 * How long the undoing of an attachment waits for the guest to let go. One that runs does so at once; one that boots may not
 * for long, and what interrupted the attachment is likely to end it.
 */
const undoDeadline = Duration.seconds(2)

/** How often the node of a device that is gone is tried to be removed: for five seconds. QEMU lets go of it in milliseconds. */
const closing = { schedule: Schedule.spaced("20 millis"), times: 250 }

const isVolumeId = Schema.is(VolumeId)

/** The volumes that the guest has. */
export const volumes = Effect.fnUntraced(function*(
  client: QmpClient
): Effect.fn.Return<ReadonlyArray<VolumeId>, QmpError> {
  const blocks = yield* client.execute(QmpCommands.queryBlock, undefined)
  return blocks.flatMap(({ qdev }) => {
    const id = QemuDevices.volumeOfPath(qdev ?? "")
    return id !== undefined && isVolumeId(id) ? [id] : []
  })
})

/**
 * Plugs a volume in, whose block node is `node`. Success if it is plugged in already. Returns when the guest can see it. What
 * fails or is interrupted is undone before that is told. A guest that has not let go of it two seconds later still has it, as
 * {@link volumes} then says.
 *
 * Fails with `AttachFailed` or `Unreachable`.
 */
export const attach = Effect.fn("QemuHotplug.attach")(function*(
  client: QmpClient,
  volume: Volume,
  node: Blockdev
): Effect.fn.Return<void, VirtualizerError> {
  const attachFailed = (detail: string) => fail(new AttachFailed({ volume: volume.id, detail }))
  const refused = failure(attachFailed)
  const devices = yield* peripherals(client).pipe(Effect.mapError(refused))
  if (devices.includes(QemuDevices.volumeDeviceId(volume.id))) return
  const port = yield* freePort(client, devices).pipe(Effect.mapError(refused))
  if (port === undefined) {
    return yield* attachFailed(
      "every port for volumes is taken: detach another first, or raise hotplugSlots and restart the instance"
    )
  }
  // One that an interrupted detach left behind would be in the way.
  yield* close(client, volume.id).pipe(
    Effect.andThen(client.execute(QmpCommands.blockdevAdd, node)),
    Effect.andThen(client.execute(QmpCommands.deviceAdd, QemuDevices.volumeDevice(volume.id, port))),
    // Answers come in order, so that what was sent has been done, or refused, when this looks.
    Effect.onError(() => Effect.ignore(detach(client, volume.id, undoDeadline))),
    Effect.mapError(refused)
  )
})

/**
 * Unplugs a volume. Success means that the guest let go of it and QEMU has closed its file; also if it was not plugged in.
 * A guest that does not let go is asked again every second. Interrupted, the guest may let go of it later. One that is paused
 * is not asked: it would do so when it goes on, after its refusal was told.
 *
 * Fails with `DetachFailed`, also when the guest has not let go by the deadline, or `Unreachable`.
 */
export const detach = Effect.fn("QemuHotplug.detach")(function*(
  client: QmpClient,
  volume: VolumeId,
  deadline: Duration.Duration
): Effect.fn.Return<void, VirtualizerError> {
  const detachFailed = (detail: string) => fail(new DetachFailed({ volume, detail }))
  yield* Effect.mapError(unplug(client, volume), failure(detachFailed)).pipe(
    Effect.filterOrFail(
      (isGone) => isGone,
      () => detachFailed("the guest is paused, and can not let go of it: resume it first")
    ),
    Effect.andThen(Effect.mapError(close(client, volume), failure(detachFailed))),
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () =>
        Effect.fail(detachFailed(
          `the guest did not let go of it within ${
            Duration.format(deadline)
          }: it may still boot, or not support hot-plugging`
        ))
    })
  )
})

/** The block nodes of all volumes that QEMU has open, whether a device has them or not. */
export const openNodes = (client: QmpClient): Effect.Effect<ReadonlyArray<string>, QmpError> =>
  Effect.map(
    client.execute(QmpCommands.queryNamedBlockNodes, { flat: true }),
    (nodes) => nodes.map((node) => node["node-name"] ?? "").filter(QemuDevices.isVolumeNode)
  )

/**
 * Closes every volume that no device has: what a launcher left open that was killed between the two steps of an attachment,
 * or of a detachment. `open` are the {@link openNodes}, and `plugged` the {@link volumes}, of the same moment; nothing may be
 * plugged meanwhile. What QEMU refuses stays as it is.
 */
export const closeStray = (
  client: QmpClient,
  open: ReadonlyArray<string>,
  plugged: ReadonlyArray<VolumeId>
): Effect.Effect<void, QmpError> => {
  const used = plugged.map(QemuDevices.volumeNode)
  return Effect.forEach(
    open.filter((name) => !used.includes(name)),
    (name) =>
      client.execute(QmpCommands.blockdevDel, { "node-name": name }).pipe(
        Effect.catchIf((error) => error.reason._tag === "CommandFailed", () => Effect.void)
      ),
    { discard: true }
  )
}

/** What QEMU refused is `refused`; any other failure says nothing about the volume. */
const failure = (refused: (detail: string) => VirtualizerError) => (error: QmpError): VirtualizerError =>
  error.reason._tag === "CommandFailed"
    ? refused(error.reason.description)
    : fail(new Unreachable({ detail: error.message }))

/** The ids of all devices that have one. */
const peripherals = (client: QmpClient): Effect.Effect<ReadonlyArray<string>, QmpError> =>
  Effect.map(
    client.execute(QmpCommands.qomList, { path: "/machine/peripheral" }),
    (properties) => properties.flatMap(({ name, type }) => type.startsWith("child<") ? [name] : [])
  )

/** The first port with nothing behind it. */
const freePort = Effect.fnUntraced(function*(
  client: QmpClient,
  devices: ReadonlyArray<string>
): Effect.fn.Return<number | undefined, QmpError> {
  for (let index = 0; devices.includes(QemuDevices.port(index)); index++) {
    const bus = yield* client.execute(QmpCommands.qomList, { path: QemuDevices.portBus(index) })
    if (!bus.some(({ name }) => name.startsWith("child["))) return index
  }
  return undefined
})

/** Asks the guest for a volume's device until it is gone. Says whether it is: a guest that is paused can not let go. */
const unplug = (client: QmpClient, volume: VolumeId): Effect.Effect<boolean, QmpError> =>
  Effect.scoped(Effect.gen(function*() {
    const device = QemuDevices.volumeDeviceId(volume)
    const isDeleted = (event: QmpEvent) => event._tag === "DeviceDeleted" && event.device === device
    const { first } = yield* client.subscribe
    while ((yield* peripherals(client)).includes(device)) {
      const { running, status } = yield* client.execute(QmpCommands.queryStatus, undefined)
      if (isPaused(running, status)) return false
      yield* client.execute(QmpCommands.deviceDel, { id: device }).pipe(
        // Gone meanwhile, or still considering what it was asked before.
        Effect.catchIf(
          (error) => isClass(error, "DeviceNotFound") || isClass(error, "GenericError"),
          () => Effect.void
        )
      )
      yield* Effect.timeoutOption(first(isDeleted), askAgainAfter)
    }
    return true
  }))

/**
 * Plugs a volume in again that the guest let go of, and that is open still. Where that can not be done it is closed, and the
 * guest does not have it.
 */
export const plugAgain = Effect.fn("QemuHotplug.plugAgain")(function*(
  client: QmpClient,
  volume: VolumeId
): Effect.fn.Return<void, QmpError> {
  const devices = yield* peripherals(client)
  if (devices.includes(QemuDevices.volumeDeviceId(volume))) return
  const port = yield* freePort(client, devices)
  yield* (port === undefined
    ? close(client, volume)
    : client.execute(QmpCommands.deviceAdd, QemuDevices.volumeDevice(volume, port)).pipe(
      Effect.onError(() => Effect.ignore(close(client, volume)))
    ))
})

/** Removes a volume's block node, which no device has any more, and so closes its file. Succeeds when there is none. */
export const close = Effect.fnUntraced(function*(
  client: QmpClient,
  volume: VolumeId
): Effect.fn.Return<void, QmpError> {
  const nodeName = QemuDevices.volumeNode(volume)
  const nodes = yield* client.execute(QmpCommands.queryNamedBlockNodes, { flat: true })
  if (!nodes.some((node) => node["node-name"] === nodeName)) return
  // A device is no longer listed a moment before QEMU frees it, and what it had with it.
  yield* client.execute(QmpCommands.blockdevDel, { "node-name": nodeName }).pipe(
    Effect.retry({ ...closing, while: (error) => isClass(error, "GenericError") })
  )
})
