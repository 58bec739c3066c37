/**
 * The QMP commands this project uses: https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html
 * Replies are decoded as far as they are needed.
 */
import { Schema } from "effect"
import * as QmpCommand from "./QmpCommand.ts"

const nothing = { arguments: Schema.Void, returns: Schema.Void }

/** Leaves negotiation mode. The client sends it itself. */
export const capabilities = QmpCommand.make("qmp_capabilities", nothing)

/** The guest's name, if it has one: QEMU's cheapest query, and the client's heartbeat. */
export const queryName = QmpCommand.make("query-name", {
  arguments: Schema.Void,
  returns: Schema.Struct({ name: Schema.optionalKey(Schema.String) })
})

/** `status` is QEMU's RunState: `prelaunch`, `running`, `paused`, `shutdown`, `guest-panicked`, `io-error` … */
export const queryStatus = QmpCommand.make("query-status", {
  arguments: Schema.Void,
  returns: Schema.Struct({ status: Schema.String, running: Schema.Boolean })
})

/** The UUID given by `-uuid`, or all zeroes. */
export const queryUuid = QmpCommand.make("query-uuid", {
  arguments: Schema.Void,
  returns: Schema.Struct({ UUID: Schema.String })
})

/** Whether KVM runs the guest (`enabled`), and whether this QEMU could use it (`present`). */
export const queryKvm = QmpCommand.make("query-kvm", {
  arguments: Schema.Void,
  returns: Schema.Struct({ enabled: Schema.Boolean, present: Schema.Boolean })
})

/** QEMU's version. */
export const queryVersion = QmpCommand.make("query-version", {
  arguments: Schema.Void,
  returns: Schema.Struct({
    qemu: Schema.Struct({ major: Schema.Int, minor: Schema.Int, micro: Schema.Int }),
    package: Schema.String
  })
})

/** The virtual processors, and the host's thread of each. */
export const queryCpusFast = QmpCommand.make("query-cpus-fast", {
  arguments: Schema.Void,
  returns: Schema.Array(Schema.Struct({ "cpu-index": Schema.Int, "thread-id": Schema.Int }))
})

/** Lets the guest's processors run. Answered when they do. Succeeds when they do already. */
export const cont = QmpCommand.make("cont", nothing)

/** Stops the guest's processors. Succeeds when they are stopped already. */
export const stop = QmpCommand.make("stop", nothing)

/** Presses the power button. Answered at once: what the guest makes of it is another matter. */
export const systemPowerdown = QmpCommand.make("system_powerdown", nothing)

/** Ends QEMU. The connection may close before the answer is read. */
export const quit = QmpCommand.make("quit", nothing)

/** The block devices, and what is inserted in each. */
export const queryBlock = QmpCommand.make("query-block", {
  arguments: Schema.Void,
  returns: Schema.Array(Schema.Struct({
    /** The legacy name of the backend, or empty. */
    device: Schema.String,
    /** Id or QOM path of the guest's device. */
    qdev: Schema.optionalKey(Schema.String),
    inserted: Schema.optionalKey(Schema.Struct({
      "node-name": Schema.optionalKey(Schema.String),
      file: Schema.String,
      ro: Schema.Boolean,
      drv: Schema.String,
      image: Schema.Struct({
        filename: Schema.String,
        format: Schema.String,
        "virtual-size": Schema.Number,
        "actual-size": Schema.optionalKey(Schema.Number)
      })
    }))
  }))
})

/** Every node of the block graph that has a name. `flat` (QEMU ≥ 5.0) leaves out backing chains. */
export const queryNamedBlockNodes = QmpCommand.make("query-named-block-nodes", {
  arguments: Schema.Struct({ flat: Schema.optionalKey(Schema.Boolean) }),
  returns: Schema.Array(Schema.Struct({
    "node-name": Schema.optionalKey(Schema.String),
    file: Schema.String,
    ro: Schema.Boolean,
    drv: Schema.String
  }))
})

/** Adds a block node: BlockdevOptions, with a `node-name`. */
export const blockdevAdd = QmpCommand.make("blockdev-add", { arguments: Schema.JsonObject, returns: Schema.Void })

/** Removes a block node. `GenericError` while something uses it, and when there is none. */
export const blockdevDel = QmpCommand.make("blockdev-del", {
  arguments: Schema.Struct({ "node-name": Schema.String }),
  returns: Schema.Void
})

/** Plugs a device in: `driver`, `id`, and the driver's own properties. */
export const deviceAdd = QmpCommand.make("device_add", { arguments: Schema.JsonObject, returns: Schema.Void })

/**
 * Asks the guest to let a device go. The answer says that it was asked: the device is gone with `DEVICE_DELETED`.
 * Class `DeviceNotFound` when there is none of that id.
 */
export const deviceDel = QmpCommand.make("device_del", {
  arguments: Schema.Struct({ id: Schema.String }),
  returns: Schema.Void
})

/** A property of a QOM object. */
export const qomGet = QmpCommand.make("qom-get", {
  arguments: Schema.Struct({ path: Schema.String, property: Schema.String }),
  returns: Schema.Json
})

/** The properties and children of a QOM object: `/machine/peripheral` has the devices that were given an id. */
export const qomList = QmpCommand.make("qom-list", {
  arguments: Schema.Struct({ path: Schema.String }),
  returns: Schema.Array(Schema.Struct({ name: Schema.String, type: Schema.String }))
})
