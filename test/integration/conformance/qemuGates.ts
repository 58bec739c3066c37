/**
 * Where the operations of QEMU's virtualizer are held: at its files, its programs, and its guests' control channels.
 */
import { Effect } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import type { HeldPhase, Shape } from "../../../src/testing/conformance/ConformanceHost.ts"
import type * as Gate from "../../host/Gate.ts"
import type { GatedQemu } from "../../host/GatedQemu.ts"
import type { FileAct, Gates, ProgramMoment, Side } from "../../host/Gates.ts"
import type { QmpRelay, Way } from "../../host/QmpRelay.ts"

interface Held {
  readonly gates: Gates
  readonly qemu: GatedQemu
  readonly relay: (id: InstanceId) => Effect.Effect<QmpRelay>
}

/** The gates of every operation. */
export const qemuGates = ({ gates, qemu, relay }: Held): Shape["gates"] => {
  const scoped = (name: string, make: (id: InstanceId) => Effect.Effect<Gate.Gate>): HeldPhase => ({
    name,
    hold: (id) => Effect.acquireRelease(make(id), ({ open }) => open)
  })
  const file = (name: string, side: Side, act: FileAct, path: (id: InstanceId) => RegExp) =>
    scoped(name, (id) => Effect.sync(() => gates.file(side, act, path(id))))
  const program = (name: string, moment: ProgramMoment, words: RegExp) =>
    scoped(name, () => Effect.sync(() => gates.program(moment, words)))
  const control = (name: string, way: Way, command: string) =>
    scoped(name, (id) => Effect.map(relay(id), (relay) => relay.hold(way, command)))
  /** What undoes it needs the control channel too, or it goes through from here on. */
  const passed = (phase: HeldPhase): HeldPhase => ({ ...phase, opensOnInterruption: true })
  const guestFile = (name: string) => (id: InstanceId) => new RegExp(`/${id}/guest/${name}$`)

  const removing = [
    passed(file("before the sockets' directory is removed", "before", "remove", () => /\/r\/[0-9a-f]+$/)),
    passed(file("before the guest's directory is removed", "before", "remove", (id) => new RegExp(`/${id}/guest$`)))
  ]
  const looking = file("before it looks at the state directory", "before", "realPath", () => /\/cf-[^/]*$/)
  return {
    discover: [looking],
    destroy: [looking],
    discard: removing,
    probe: [file("before it looks for the guest's files", "before", "access", (id) => new RegExp(`/${id}/guest$`))],
    ensureBackingImage: [
      file("before the image is resolved", "before", "realPath", () => /obedient\.raw$/),
      file("when the image was looked at", "after", "stat", () => /obedient\.raw$/)
    ],
    createImage: [
      file("when the guest's directory is there", "after", "makeDirectory", (id) => new RegExp(`/${id}/guest$`)),
      program("when qemu-img has begun", "begun", /qemu-img create/),
      program("when qemu-img has ended", "after", /qemu-img create/),
      file("before the disk gets its name", "before", "rename", guestFile("disk\\.qcow2\\.partial"))
    ],
    deleteImage: removing,
    start: [
      file("before what it opens is looked at", "before", "open", guestFile("disk\\.qcow2")),
      file("when it has forgotten how the last guest ended", "after", "remove", guestFile("exit\\.json\\.noted")),
      scoped("when its process is there, and not yet QEMU", () => qemu.holdLaunch),
      control("before QEMU greets", "after", "greeting"),
      control("before QEMU has answered", "after", "qmp_capabilities")
    ],
    monitor: [
      control("before QEMU greets", "after", "greeting"),
      control("before the guest's status is asked", "before", "query-status"),
      control("before the guest's volumes are told", "after", "query-block")
    ],
    kill: [
      file("before the end is noted", "before", "writeFile", guestFile("exit\\.json\\.noted")),
      file("when the end is noted", "after", "writeFile", guestFile("exit\\.json\\.noted")),
      file("when the guest is gone", "before", "rename", guestFile("exit\\.json\\.noted"))
    ],
    stats: [file("while it reads", "before", "readFile", () => /^\/proc\/\d+\/stat$/)],
    status: [
      control("before it is asked", "before", "query-status"),
      control("before it is told", "after", "query-block")
    ],
    stop: [
      control("before the guest is asked", "before", "system_powerdown"),
      control("before it is told to quit", "before", "quit")
    ],
    pause: [control("before QEMU is told", "before", "stop"), control("before QEMU has answered", "after", "stop")],
    resume: [control("before QEMU is told", "before", "cont"), control("before QEMU has answered", "after", "cont")],
    attachVolume: [
      file("before the volume is resolved", "before", "realPath", (id) => new RegExp(`/data-${id}\\.raw$`)),
      passed(control("before the volume is opened", "before", "blockdev-add")),
      passed(control("when the volume is open", "before", "device_add")),
      passed(control("when the volume is plugged in", "after", "device_add"))
    ],
    detachVolume: [
      control("before the guest is asked", "before", "device_del"),
      control("when the guest was asked", "after", "device_del"),
      control("before the volume is closed", "before", "blockdev-del")
    ]
  }
}
