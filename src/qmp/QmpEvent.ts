/**
 * QMP's asynchronous events: https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html
 */
import { Schema } from "effect"

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
