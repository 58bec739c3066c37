/**
 * What a user asks for: one VM or container.
 */
import { ByteSize, Duration, Effect, Schema, SchemaTransformation } from "effect"
import { CloudInit } from "./CloudInit.ts"
import { BootSource } from "./Image.ts"
import { InstanceId, InstanceName } from "./InstanceId.ts"
import { keyedText } from "./KeyedText.ts"
import { Nic } from "./Network.ts"
import { VolumeSpec } from "./Volume.ts"

/** The name of a virtualisation technology of this node, such as `qemu`. */
export const VirtualizerName = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9-]{0,31}$/, { expected: "the name of a virtualizer, such as qemu or docker" })
)

export type VirtualizerName = typeof VirtualizerName.Type

/** `legacy` is BIOS, `efi` is UEFI. */
export const Firmware = Schema.Literals(["legacy", "efi"])

export type Firmware = typeof Firmware.Type

/** What to do when a guest ends without having been asked to. */
export const RestartPolicy = Schema.Literals(["never", "on-failure", "always"])

export type RestartPolicy = typeof RestartPolicy.Type

const MiB = ByteSize.mebibytes(1)

/** The most memory that one guest may have: 16 TiB. */
export const memoryMaxMiB = 16 * 1024 * 1024

/** The most vCPUs that one guest may have. */
export const vcpusMax = 1024

/** A guest's memory: a whole number of MiB, from 1 MiB to 16 TiB, written with its unit, such as `512 MiB`. */
export const Memory = Schema.String.annotate({ expected: "a size with its unit, such as 512 MiB" }).pipe(
  Schema.decodeTo(
    Schema.ByteSize.annotate({
      // few sizes are whole MiB: values for property tests are made from their number
      toCodecArbitrary: () =>
        Schema.link<ByteSize.ByteSize>()(
          Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: memoryMaxMiB })),
          SchemaTransformation.transform({
            decode: (count: number) => ByteSize.mebibytes(count),
            encode: (size) => Number(size / MiB)
          })
        )
    }).check(
      Schema.makeFilter((memory: ByteSize.ByteSize) =>
        (memory >= MiB && memory <= ByteSize.mebibytes(memoryMaxMiB) && memory % MiB === 0n) ||
        "must be a whole number of MiB, from 1 MiB to 16 TiB"
      )
    ),
    SchemaTransformation.byteSizeFromString
  )
)

/**
 * How long a guest may take to end when it is asked to, before it is made to: whole milliseconds, at most one hour,
 * written with its unit, such as `10 seconds`.
 */
export const StopGrace = Schema.DurationFromString.check(
  Schema.makeFilter((grace: Duration.Duration) => {
    const millis = Duration.toMillis(grace)
    return (Number.isInteger(millis) && millis >= 0 && millis <= 3_600_000) ||
      "must be whole milliseconds, from 0 to one hour, such as 10 seconds"
  })
)

/**
 * The specification of an instance. Written as JSON or YAML it is what `vivarium` calls its native spec; every other
 * format is decoded into it.
 */
export const InstanceSpec = Schema.Struct({
  id: InstanceId,
  name: Schema.optionalKey(InstanceName),
  labels: keyedText(Schema.String).pipe(
    Schema.withConstructorDefault(Effect.succeed({})),
    Schema.withDecodingDefaultKey(Effect.succeed({}))
  ),
  /** The tenant it belongs to, by the control plane's name. */
  tenant: Schema.optionalKey(Schema.NonEmptyString),
  virtualizer: VirtualizerName.pipe(
    Schema.withConstructorDefault(Effect.succeed("qemu")),
    Schema.withDecodingDefaultKey(Effect.succeed("qemu"))
  ),
  boot: BootSource,
  vcpus: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: vcpusMax })).pipe(
    Schema.withConstructorDefault(Effect.succeed(1)),
    Schema.withDecodingDefaultKey(Effect.succeed(1))
  ),
  memory: Memory,
  firmware: Firmware.pipe(
    Schema.withConstructorDefault(Effect.succeed("legacy" as const)),
    Schema.withDecodingDefaultKey(Effect.succeed("legacy" as const))
  ),
  volumes: Schema.Array(VolumeSpec).check(
    Schema.makeFilter(
      (volumes: ReadonlyArray<VolumeSpec>) =>
        new Set(volumes.map(({ id }) => id)).size === volumes.length || "must name every volume once",
      { arbitraryConstraint: { uniqueBy: (volume: VolumeSpec) => volume.id } }
    )
  ).pipe(
    Schema.withConstructorDefault(Effect.succeed([])),
    Schema.withDecodingDefaultKey(Effect.succeed([]))
  ),
  nics: Schema.Array(Nic).check(Schema.isMaxLength(8)).pipe(
    Schema.withConstructorDefault(Effect.succeed([])),
    Schema.withDecodingDefaultKey(Effect.succeed([]))
  ),
  cloudInit: Schema.optionalKey(CloudInit),
  /** The instance concentrates its tenant's network (from START payloads). */
  networkNode: Schema.optionalKey(Schema.Boolean),
  /** A container with the host's pid and ipc namespaces and devices (from START payloads). */
  privileged: Schema.optionalKey(Schema.Boolean),
  restart: RestartPolicy.pipe(
    Schema.withConstructorDefault(Effect.succeed("never" as const)),
    Schema.withDecodingDefaultKey(Effect.succeed("never" as const))
  ),
  stopGrace: StopGrace.pipe(
    Schema.withConstructorDefault(Effect.succeed(Duration.seconds(10))),
    Schema.withDecodingDefaultKey(Effect.succeed("10 seconds"))
  )
}).check(
  Schema.makeFilter((spec) => {
    const { boot } = spec
    return boot.kind !== "volume" || spec.volumes.some((volume) => volume.id === boot.volume) ||
      { path: ["boot", "volume"], issue: "must be one of the volumes" }
  })
)

export type InstanceSpec = typeof InstanceSpec.Type

/** Whether two specs ask for the same: the test of an idempotent start. */
export const equivalence = Schema.toEquivalence(InstanceSpec)
