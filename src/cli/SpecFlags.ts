/**
 * A specification, as `viv run` takes it on the command line.
 */
import { Effect, FileSystem, Option, Path, Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import { generate } from "../domain/InstanceId.ts"
import { Firmware, InstanceSpec, RestartPolicy } from "../domain/InstanceSpec.ts"
import type { PublishedPort } from "../domain/Network.ts"
import { DiskFormat } from "../domain/Volume.ts"
import { fromIssue } from "../payload/PayloadError.ts"
import { unreadable, usage } from "./CliFailure.ts"
import * as Flags from "./Flags.ts"

export const specFlags = {
  image: Argument.String("image").pipe(
    Argument.withDescription("A disk image's path, or an engine's image with --virtualizer docker"),
    Argument.optional
  ),
  command: Argument.String("command").pipe(
    Argument.withDescription("What a container runs, after --"),
    Argument.variadic()
  ),
  name: Flags.text("name", "NAME", "Its name: a DNS label, unique on the node"),
  id: Flags.text("id", "ID", "Its id (default: a new UUID)"),
  label: Flags.many("label", "KEY=VALUE", "A label; may be given again").pipe(Flag.withAlias("l")),
  virtualizer: Flag.String("virtualizer").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("What runs it (default: qemu)"),
    Flag.withDefault("qemu")
  ),
  memory: Flag.String("memory").pipe(
    Flag.withAlias("m"),
    Flag.withMetavar("SIZE"),
    Flag.withDescription("Its memory, such as 2GiB (default: 512MiB)"),
    Flag.withDefault("512MiB")
  ),
  vcpus: Flag.Int("vcpus").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("Its virtual processors (default: 1)"),
    Flag.withDefault(1)
  ),
  firmware: Flag.Literals("firmware", Firmware.literals).pipe(
    Flag.withDescription("How it boots: BIOS, the default, or UEFI"),
    Flag.withDefault("legacy" as const)
  ),
  format: Flag.Literals("format", DiskFormat.literals).pipe(
    Flag.withDescription("Of the image (default: what its name ends in)"),
    Flag.optional
  ),
  diskSize: Flags.text("disk-size", "SIZE", "Size of its disk (default: the image's)"),
  kernel: Flags.path("kernel", "Boot this Linux kernel instead of an image"),
  initrd: Flags.path("initrd", "The kernel's initrd"),
  append: Flags.text("append", "TEXT", "The kernel's command line"),
  bootVolume: Flags.text("boot-volume", "ID", "Boot from this volume instead of an image"),
  volume: Flags.many("volume", "ID[:ro]", "A volume it has; may be given again"),
  publish: Flags.many(
    "publish",
    "PORTS",
    "A port of the host that leads to the guest: [ADDRESS:]HOST:GUEST[/udp]; may be given again"
  ).pipe(
    Flag.withAlias("p")
  ),
  network: Flag.String("network").pipe(
    Flag.withMetavar("NET"),
    Flag.withDescription("What its network card is connected to: user (the default), none, or tap:NAME"),
    Flag.withDefault("user")
  ),
  userData: Flags.path("user-data", "What cloud-init finds as user data"),
  restart: Flag.Literals("restart", RestartPolicy.literals).pipe(
    Flag.withDescription("Whether it is started again when it ends by itself (default: never)"),
    Flag.withDefault("never" as const)
  ),
  stopGrace: Flag.String("stop-grace").pipe(
    Flag.withMetavar("DURATION"),
    Flag.withDescription("How long it may take to end when it is asked to (default: 10 seconds)"),
    Flag.withDefault("10 seconds")
  )
}

/** What was given for {@link specFlags}. */
export type Given = {
  readonly [Name in keyof typeof specFlags]: typeof specFlags[Name] extends Flag.Flag<infer A> ? A
    : typeof specFlags[Name] extends Argument.Argument<infer A> ? A
    : never
}

const publishPattern = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/

/** A port to publish, as Docker's `-p` writes it: `[ADDRESS:]HOST:GUEST[/udp]`. */
export const parsePublish = (written: string): Option.Option<PublishedPort> => {
  const found = publishPattern.exec(written)
  if (found === null) return Option.none()
  const [, hostAddress, hostPort, guestPort, protocol] = found
  return Option.some({
    protocol: protocol === "udp" ? "udp" : "tcp",
    ...(hostAddress === undefined ? {} : { hostAddress }),
    hostPort: Number(hostPort),
    guestPort: Number(guestPort)
  })
}

const formatOf = (image: string) => {
  const [, ending = ""] = /\.([^./]+)$/.exec(image) ?? []
  const format = DiskFormat.literals.find((format) => format === ending)
  return format === undefined
    ? Effect.fail(
      usage(`${image} does not say in its name how its bytes are laid out`, "say --format qcow2 or --format raw")
    )
    : Effect.succeed(format)
}

const boot = Effect.fnUntraced(function*(given: Given) {
  const path = yield* Path.Path
  const { bootVolume, command, diskSize, image, initrd, kernel } = given
  const sources = [image, kernel, bootVolume].filter(Option.isSome)
  if (sources.length !== 1) {
    return yield* usage(
      sources.length === 0 ? "there is nothing to boot from" : "there is more than one thing to boot from",
      "give an image, --kernel, or --boot-volume"
    )
  }
  if (command.length > 0 && given.virtualizer !== "docker") {
    return yield* usage(
      `only a container runs a command: ${command.join(" ")}`,
      "say --virtualizer docker, or leave it out"
    )
  }
  if (Option.isSome(kernel)) {
    return {
      kind: "kernel",
      kernel: path.resolve(kernel.value),
      ...(Option.isSome(initrd) ? { initrd: path.resolve(initrd.value) } : {}),
      ...(Option.isSome(given.append) ? { commandLine: given.append.value } : {})
    }
  }
  if (Option.isSome(bootVolume)) return { kind: "volume", volume: bootVolume.value }
  const reference = Option.getOrThrow(image)
  if (given.virtualizer === "docker") {
    return { kind: "container", image: reference, ...(command.length > 0 ? { command } : {}) }
  }
  return {
    kind: "image",
    path: path.resolve(reference),
    format: Option.isSome(given.format) ? given.format.value : yield* formatOf(reference),
    ...(Option.isSome(diskSize) ? { size: diskSize.value } : {})
  }
})

const nic = Effect.fnUntraced(function*({ network, publish }: Given) {
  const ports = yield* Effect.forEach(publish, (written) => {
    const port = parsePublish(written)
    return Option.isSome(port)
      ? Effect.succeed(port.value)
      : Effect.fail(
        usage(`${written} is no port to publish`, "write HOST:GUEST, such as -p 8080:80, or -p 0.0.0.0:53:53/udp")
      )
  })
  if (ports.length > 0 && network !== "user") {
    return yield* usage(`ports can be published with --network user only, and not with ${network}`)
  }
  if (network.startsWith("tap:")) return { kind: "tap", tap: network.slice("tap:".length) }
  if (network !== "user" && network !== "none") {
    return yield* usage(`${network} is no network`, "say user, none, or tap:NAME")
  }
  return { kind: network, ...(ports.length > 0 ? { publish: ports } : {}) }
})

const volumeOf = (written: string) =>
  written.endsWith(":ro") ? { id: written.slice(0, -3), readOnly: true } : { id: written }

const labelsOf = (labels: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(labels, (label) => {
      const at = label.indexOf("=")
      return at < 1
        ? Effect.fail(usage(`${label} is no label`, "write KEY=VALUE"))
        : Effect.succeed([label.slice(0, at), label.slice(at + 1)] as const)
    }),
    (pairs) => Object.fromEntries(pairs)
  )

const decode = Schema.decodeUnknownEffect(InstanceSpec, { errors: "all" })

/** The specification that was given. Paths are this machine's, made absolute. */
export const spec = Effect.fnUntraced(function*(given: Given) {
  const fs = yield* FileSystem.FileSystem
  const source: Record<string, unknown> = yield* boot(given)
  const userData = Option.isSome(given.userData)
    ? yield* Effect.mapError(
      fs.readFileString(given.userData.value),
      (error) => unreadable("the file of --user-data", error)
    )
    : undefined
  const volumes: ReadonlyArray<{ readonly id: string }> = given.volume.map(volumeOf)
  const isAmong = Option.isNone(given.bootVolume) ||
    volumes.some(({ id }) => id === Option.getOrThrow(given.bootVolume))
  const asked = {
    id: Option.isSome(given.id) ? given.id.value.toLowerCase() : yield* generate,
    ...(Option.isSome(given.name) ? { name: given.name.value } : {}),
    labels: yield* labelsOf(given.label),
    virtualizer: given.virtualizer,
    boot: source,
    vcpus: given.vcpus,
    memory: given.memory,
    firmware: given.firmware,
    volumes: isAmong ? volumes : [{ id: Option.getOrThrow(given.bootVolume) }, ...volumes],
    nics: [yield* nic(given)],
    ...(userData === undefined ? {} : { cloudInit: { dataSource: "nocloud", userData } }),
    restart: given.restart,
    stopGrace: given.stopGrace
  }
  return yield* Effect.mapError(decode(asked), (error) => usage(fromIssue(error.issue).message))
})
