import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, FileSystem, Path, Queue, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { RawQmp } from "../../bench/RawQmp.ts"
import * as TinyGuest from "../../guest/TinyGuest.ts"

/** A guest in a QEMU that nothing of ours started. */
const boot = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "tiny-guest-" })
  const qmpPath = path.join(directory, "qmp")
  const qemu = yield* ChildProcess.make("qemu-system-x86_64", [
    ...["-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "160", "-display", "none"],
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-serial", "stdio", "-device", "pvpanic"],
    ...["-device", "pcie-root-port,id=rp0,chassis=1,slot=1", "-qmp", `unix:${qmpPath},server=on,wait=off`],
    ...args
  ], { stdin: { stream: "pipe", endOnDone: false }, stderr: "inherit", killSignal: "SIGKILL" })
  const console = yield* Queue.unbounded<string>()
  yield* qemu.stdout.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => Queue.offer(console, line)),
    Effect.forkScoped
  )
  const qmp = yield* Effect.promise((signal) => RawQmp.connect(qmpPath, signal)).pipe(
    Effect.raceFirst(Effect.andThen(qemu.exitCode, Effect.die("QEMU ended at once")))
  )
  yield* Effect.addFinalizer(() => Effect.sync(() => qmp.close()))
  const seen: Array<string> = []
  return {
    directory,
    exited: qemu.exitCode,
    qmp: (command: string, args?: object) => Effect.promise(() => qmp.execute(command, args)),
    event: (name: string) => Effect.promise(() => qmp.event(name)).pipe(Effect.timeout("60 seconds")),
    /** Reads the console up to a line that holds this, and answers the line. */
    until: (text: string) =>
      Queue.take(console).pipe(
        Effect.tap((line) => Effect.sync(() => seen.push(line))),
        Effect.repeat({ until: (line) => line.includes(text) }),
        Effect.timeout("60 seconds"),
        Effect.catch(() => Effect.die(`the guest did not say ${text}, but:\n${seen.join("\n")}`))
      ),
    type: (line: string) => Stream.run(Stream.make(new TextEncoder().encode(line + "\n")), qemu.stdin)
  }
})

layer(NodeServices.layer, { excludeTestServices: true })("TinyGuest", (it) => {
  describe("boots", () => {
    it.effect("by BIOS from its disk, and ends by its power button", () =>
      Effect.gen(function*() {
        const { bootDisk } = yield* TinyGuest.ensure
        const guest = yield* boot(["-drive", `file=${bootDisk},format=raw,if=virtio,snapshot=on`])
        assert.include(yield* guest.until("VIVARIUM-DISK + vda"), "bytes=")
        yield* guest.until(TinyGuest.ready)
        yield* guest.qmp("system_powerdown")
        yield* guest.until(TinyGuest.powerButton)
        assert.strictEqual(yield* guest.exited, 0)
      }))

    it.effect("from its kernel, takes commands, gets an address, and sees disks come and go", () =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const { commandLine, initrd, kernel } = yield* TinyGuest.ensure
        const guest = yield* boot([
          ...["-kernel", kernel, "-initrd", initrd, "-append", commandLine],
          ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
        ])
        yield* guest.until(TinyGuest.ready)
        yield* guest.type("test -d /proc/1 && echo pid 1 is $(cat /proc/1/comm); false")
        yield* guest.until("pid 1 is init")
        yield* guest.until("VIVARIUM-EXIT 1")
        yield* guest.type("until ip addr show dev eth0 | grep 10.0.2.15; do sleep 0.1; done")
        yield* guest.until("VIVARIUM-EXIT 0")

        const disk = path.join(guest.directory, "disk.raw")
        yield* fs.writeFileString(disk, "a token".padEnd(1024 * 1024, "\n"))
        yield* guest.qmp("blockdev-add", { driver: "raw", "node-name": "d", file: { driver: "file", filename: disk } })
        yield* guest.qmp("device_add", { driver: "virtio-blk-pci", bus: "rp0", drive: "d", id: "v", serial: "s1" })
        const appeared = yield* guest.until("VIVARIUM-DISK +")
        assert.include(appeared, "VIVARIUM-DISK + vda serial=s1 bytes=1048576 head=a token")
        yield* guest.qmp("device_del", { id: "v" })
        yield* guest.until("VIVARIUM-DISK - vda")
      }))

    it.effect("and its panic is seen by QEMU", () =>
      Effect.gen(function*() {
        const { commandLine, initrd, kernel } = yield* TinyGuest.ensure
        const guest = yield* boot([
          ...["-kernel", kernel, "-initrd", initrd, "-append", commandLine, "-action", "panic=pause"]
        ])
        yield* guest.until(TinyGuest.ready)
        const panicked = yield* Effect.forkChild(guest.event("GUEST_PANICKED"), { startImmediately: true })
        yield* guest.type("echo c > /proc/sysrq-trigger")
        yield* Fiber.join(panicked)
      }))
  })
})
