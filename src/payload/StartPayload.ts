/**
 * The seed system's START payload, decoded into a spec.
 */
import { ByteSize, Effect, Schema } from "effect"
import { Firmware, InstanceSpec, memoryMaxMiB, vcpusMax } from "../domain/InstanceSpec.ts"
import { Ipv4Address, Ipv4Subnet, MacAddress, type Nic } from "../domain/Network.ts"
import { sshPort } from "../domain/SshPort.ts"
import { fromIssue, invalidData, type PayloadError } from "./PayloadError.ts"
import * as StartContainer from "./StartContainer.ts"
import * as StartDocuments from "./StartDocuments.ts"
import { decodeUnder, Flag, ForeignId, LoweredText, TrimmedText, WireInstanceId, WireVolumeId } from "./Wire.ts"
import { fromInput, parse } from "./YamlText.ts"

/** What a START payload asks for. */
export interface StartPayload {
  readonly spec: InstanceSpec
  /** It restarts an existing instance on a new node. A failure's report repeats it. */
  readonly restart: boolean
  /** The port of the concentrator that leads to the instance's SSH; 0 where there is none. */
  readonly sshPort: number
}

/** Memory where the payload says none, in MiB: what QEMU gives a guest by itself. */
const memoryDefaultMiB = 128

const count = (maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }, { expected: `a whole number from 0 to ${maximum}` })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(0))
  )

const Requirements = Schema.Struct({
  /** 0 stands for the default. */
  vcpus: count(vcpusMax),
  /** MiB; 0 stands for the default. */
  mem_mb: count(memoryMaxMiB),
  network_node: Flag,
  privileged: Flag
})

const Networking = Schema.Struct({
  vnic_mac: Schema.optionalKey(LoweredText.pipe(Schema.decodeTo(MacAddress))),
  vnic_uuid: Schema.optionalKey(ForeignId),
  private_ip: Schema.optionalKey(TrimmedText.pipe(Schema.decodeTo(Ipv4Address))),
  subnet: Schema.optionalKey(TrimmedText.pipe(Schema.decodeTo(Ipv4Subnet))),
  concentrator_ip: Schema.optionalKey(TrimmedText.pipe(Schema.decodeTo(Ipv4Address))),
  concentrator_uuid: Schema.optionalKey(ForeignId)
})

const Storage = Schema.Struct({ id: WireVolumeId, boot: Flag })

type Storage = typeof Storage.Type

const Start = Schema.Struct({
  instance_uuid: WireInstanceId,
  tenant_uuid: Schema.optionalKey(ForeignId),
  vm_type: Schema.Literals(["qemu", "docker"]).pipe(Schema.withDecodingDefaultKey(Effect.succeed("qemu"))),
  fw_type: Firmware.pipe(Schema.withDecodingDefaultKey(Effect.succeed("efi"))),
  docker_image: Schema.optionalKey(Schema.String),
  requirements: Requirements.pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  networking: Networking.pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  storage: Schema.Array(Storage).check(
    Schema.makeFilter((storage: ReadonlyArray<Storage>) =>
      new Set(storage.map(({ id }) => id)).size === storage.length || "must name every volume once"
    )
  ).pipe(Schema.withDecodingDefaultKey(Effect.succeed([]))),
  restart: Flag
})

type Start = typeof Start.Type

const decodeStart = decodeUnder("start", Start)

/** The key, where there is a value. */
const optional = <Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } =>
  value === undefined ? {} : { [key]: value } as { readonly [K in Key]: Value }

const nicOf = ({ networking }: Start): Nic => {
  const concentrator = {
    ...optional("id", networking.concentrator_uuid),
    ...optional("address", networking.concentrator_ip)
  }
  return {
    kind: "user",
    ...optional("id", networking.vnic_uuid),
    ...optional("mac", networking.vnic_mac),
    ...optional("address", networking.private_ip),
    ...optional("subnet", networking.subnet),
    ...optional("concentrator", Object.keys(concentrator).length === 0 ? undefined : concentrator)
  }
}

const bootOf = Effect.fnUntraced(
  function*(
    start: Start,
    userData: string | undefined,
    metaData: string
  ): Effect.fn.Return<InstanceSpec["boot"], PayloadError> {
    const bootable = start.storage.findIndex(({ boot }) => boot)
    if (start.vm_type === "docker") {
      if (start.docker_image === undefined) {
        return yield* invalidData("start.docker_image", "is required where vm_type is docker")
      }
      if (bootable >= 0) {
        return yield* invalidData(`start.storage[${bootable}].boot`, "must not be true: a container does not boot")
      }
      return {
        kind: "container",
        image: start.docker_image,
        ...optional("command", yield* StartContainer.command(userData)),
        hostname: (yield* StartContainer.hostname(metaData)) ?? start.instance_uuid
      }
    }
    const volume = start.storage[bootable]
    if (volume === undefined) {
      return yield* invalidData("start.storage", "must have a bootable volume: add boot: true to the one to boot from")
    }
    return { kind: "volume", volume: volume.id }
  }
)

/**
 * Decodes a START payload: one to three YAML documents (the start, the cloud-init user data, the meta data), as the seed
 * system's launcher takes them. Unknown fields are ignored. User data and meta data are kept byte for byte; without meta
 * data the guest gets `{"uuid": ID, "hostname": ID}`. The first bootable volume is the one to boot from.
 *
 * What the payload leaves open is as it was there: one vCPU and 128 MiB where no size is given (or 0), firmware `efi`,
 * and one network interface, which is connected to the user-mode network whatever the payload says of it.
 *
 * Fails with `invalid_payload` (no YAML, more than 1 MiB, not UTF-8) or `invalid_data`, and tells every problem with its
 * path.
 */
export const decode = Effect.fn("StartPayload.decode")(
  function*(input: string | Uint8Array): Effect.fn.Return<StartPayload, PayloadError> {
    const text = yield* fromInput(input)
    const documents = yield* Effect.fromResult(StartDocuments.split(text)).pipe(
      // what is no YAML at all is to be told so, before it is told what it lacks
      Effect.tapError(() => parse(text))
    )
    const trees = yield* parse(documents.start, documents.startLine)
    const start = yield* decodeStart(trees[0])

    const id = start.instance_uuid
    const metaData = documents.metaData ?? JSON.stringify({ uuid: id, hostname: id })
    const { requirements } = start
    const spec = yield* InstanceSpec.makeEffect({
      id,
      ...optional("tenant", start.tenant_uuid),
      virtualizer: start.vm_type,
      boot: yield* bootOf(start, documents.userData, metaData),
      vcpus: requirements.vcpus === 0 ? 1 : requirements.vcpus,
      memory: ByteSize.mebibytes(requirements.mem_mb === 0 ? memoryDefaultMiB : requirements.mem_mb),
      firmware: start.fw_type,
      volumes: start.storage.map(({ id }) => ({ id })),
      nics: [nicOf(start)],
      cloudInit: { dataSource: "config-drive", ...optional("userData", documents.userData), metaData },
      ...(requirements.network_node ? { networkNode: true } : {}),
      ...(requirements.privileged ? { privileged: true } : {})
    }).pipe(Effect.mapError((issue) => fromIssue(issue)))
    return {
      spec,
      restart: start.restart,
      sshPort: sshPort({ networkNode: requirements.network_node, address: start.networking.private_ip })
    }
  }
)
