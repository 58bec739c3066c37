/**
 * QMP's asynchronous events: https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html
 */
import { Option, Schema } from "effect"
import type * as QmpMessage from "./QmpMessage.ts"

/** When it happened, by QEMU's clock: Unix time in milliseconds, with microseconds as the fraction. */
const timestampMillis = Schema.Number

/** The guest powered off, or was ended. `reason` as in ShutdownCause: `guest-shutdown`, `host-qmp-quit`, `guest-panic` … */
export const Shutdown = Schema.TaggedStruct("Shutdown", {
  guest: Schema.Boolean,
  reason: Schema.String,
  timestampMillis
})

/** The guest was reset. `guest` says that it did so itself. */
export const Reset = Schema.TaggedStruct("Reset", { guest: Schema.Boolean, reason: Schema.String, timestampMillis })

/** The power button was pressed. */
export const Powerdown = Schema.TaggedStruct("Powerdown", { timestampMillis })

/** The guest's processors stopped. */
export const Stop = Schema.TaggedStruct("Stop", { timestampMillis })

/** The guest's processors run. */
export const Resume = Schema.TaggedStruct("Resume", { timestampMillis })

/** A device is gone. `device` is its id, when it had one. */
export const DeviceDeleted = Schema.TaggedStruct("DeviceDeleted", {
  device: Schema.optionalKey(Schema.String),
  path: Schema.String,
  timestampMillis
})

/** The guest refused to let a device go. */
export const DeviceUnplugGuestError = Schema.TaggedStruct("DeviceUnplugGuestError", {
  device: Schema.optionalKey(Schema.String),
  path: Schema.String,
  timestampMillis
})

/** The guest's kernel panicked. `action` is what QEMU does about it: `pause`, `poweroff` or `run`. */
export const GuestPanicked = Schema.TaggedStruct("GuestPanicked", { action: Schema.String, timestampMillis })

/** A disk failed. `action` is what QEMU does about it: `ignore`, `report` (to the guest) or `stop` (the guest). */
export const BlockIoError = Schema.TaggedStruct("BlockIoError", {
  device: Schema.String,
  "node-name": Schema.optionalKey(Schema.String),
  operation: Schema.String,
  action: Schema.String,
  nospace: Schema.optionalKey(Schema.Boolean),
  reason: Schema.String,
  timestampMillis
})

/** Any other event, or one of the above whose data does not fit. */
export const Other = Schema.TaggedStruct("Other", {
  event: Schema.String,
  data: Schema.JsonObject,
  timestampMillis
})

/** What QEMU tells without being asked. */
export const QmpEvent = Schema.Union([
  Shutdown,
  Reset,
  Powerdown,
  Stop,
  Resume,
  DeviceDeleted,
  DeviceUnplugGuestError,
  GuestPanicked,
  BlockIoError,
  Other
])

export type QmpEvent = typeof QmpEvent.Type

const decode = Schema.decodeUnknownOption(QmpEvent)

const tags: ReadonlyMap<string, Exclude<QmpEvent["_tag"], "Other">> = new Map([
  ["SHUTDOWN", "Shutdown"],
  ["RESET", "Reset"],
  ["POWERDOWN", "Powerdown"],
  ["STOP", "Stop"],
  ["RESUME", "Resume"],
  ["DEVICE_DELETED", "DeviceDeleted"],
  ["DEVICE_UNPLUG_GUEST_ERROR", "DeviceUnplugGuestError"],
  ["GUEST_PANICKED", "GuestPanicked"],
  ["BLOCK_IO_ERROR", "BlockIoError"]
])

/** The event that came as this message: never lost, at worst `Other`. */
export const fromMessage = (message: QmpMessage.Event): QmpEvent => {
  const { data = {}, event, timestamp } = message
  const timestampMillis = timestamp.seconds * 1000 + timestamp.microseconds / 1000
  const other: QmpEvent = { _tag: "Other", event, data, timestampMillis }
  const tag = tags.get(event)
  return tag === undefined ? other : Option.getOrElse(decode({ ...data, _tag: tag, timestampMillis }), () => other)
}
