/**
 * What an engine is asked for to make an instance's container. Pure.
 */
import { ByteSize, Option } from "effect"
import type { BootSource } from "../../domain/Image.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { Nic, PublishedPort } from "../../domain/Network.ts"
import type { CreateRequest, Endpoint } from "../../docker/Containers.ts"
import * as EngineVersion from "../../docker/EngineVersion.ts"
import * as ImageReference from "../../docker/ImageReference.ts"
import type { BootConfig } from "../../Virtualizer.ts"
import * as ContainerIdentity from "./ContainerIdentity.ts"

/** Where a container sees its volumes, each in a directory named after it. */
export const volumesTarget = "/volumes"

export type ContainerBoot = Extract<BootSource, { readonly kind: "container" }>

/** An image's id, as engines give it. */
const imageId = /^(sha256:)?[0-9a-f]{64}$/

/** The reference to pull an image by: nothing for an id, which can not be pulled. */
export const referenceOf = ({ image }: ContainerBoot): ImageReference.ImageReference | undefined =>
  imageId.test(image) ? undefined : Option.getOrUndefined(ImageReference.parse(image))

/** What a node can do for containers. */
export interface Means {
  readonly allowPrivileged: boolean
  /** Whether volumes can be mounted. */
  readonly volumes: boolean
}

/** The engine's name for the network that an interface belongs to: the default one where it names none. */
const networkOf = (nic: Nic): string => nic.network ?? "default"

/** What an engine does not take for a network's name: the host's own network, another container's, a namespace in a file. */
const isForeign = (network: string): boolean => network === "host" || !/^[A-Za-z0-9][\w.-]*$/.test(network)

const connected = ({ nics }: InstanceSpec): ReadonlyArray<Nic> => nics.filter(({ kind }) => kind !== "none")

/** Engines refuse less. */
const memoryMin = ByteSize.mebibytes(6)

/** What a spec asks for that is not to be had. */
export const unsupported = (spec: InstanceSpec, means: Means): string | undefined => {
  const { boot } = spec
  const networks = connected(spec).map(networkOf)
  const foreign = networks.find(isForeign)
  return boot.kind !== "container"
    ? `booting a container from ${boot.kind === "kernel" ? "a kernel" : `a disk (${boot.kind})`}`
    : !imageId.test(boot.image) && referenceOf(boot) === undefined
    ? `an image called ${JSON.stringify(boot.image)}, which is no reference such as registry/name:tag,`
    : ByteSize.toBigInt(spec.memory) < ByteSize.toBigInt(memoryMin)
    ? "a container with less than 6 MiB of memory"
    : spec.privileged === true && !means.allowPrivileged
    ? "a privileged container, which the configuration of this node does not allow (allowPrivileged),"
    : spec.volumes.length > 0 && !means.volumes
    ? "a container with volumes, since this process may not mount them where the engine runs,"
    : spec.nics.some(({ kind }) => kind === "tap")
    ? "a container on a tap device"
    : foreign !== undefined && spec.privileged !== true
    ? `a container on ${JSON.stringify(foreign)}, which is no network of the engine's, and takes a privileged one,`
    : new Set(networks).size < networks.length
    ? "a container with two interfaces on one network"
    : undefined
}

/** In microseconds: how long a quota lasts. */
const cpuPeriod = 100_000

const portKey = ({ guestPort, protocol }: PublishedPort): string => `${guestPort}/${protocol}`

/** From here on an interface has its MAC address; before, a container has one. */
const hasEndpointMac = (apiVersion: string): boolean => EngineVersion.compare(apiVersion, "1.44") >= 0

/** How an interface is connected. A fixed address needs a named network: the default one gives out its own. */
const endpointOf = (nic: Nic, mac: string | undefined, apiVersion: string): Endpoint => ({
  ...(nic.address === undefined || nic.network === undefined ? {} : { IPAMConfig: { IPv4Address: nic.address } }),
  ...(mac === undefined || !hasEndpointMac(apiVersion) ? {} : { MacAddress: mac })
})

const binds = (privileged: boolean, volumes: string | undefined, live: boolean): NonNullable<
  NonNullable<CreateRequest["HostConfig"]>["Mounts"]
> => [
  ...(volumes === undefined ? [] : [{
    Type: "bind" as const,
    Source: volumes,
    Target: volumesTarget,
    // Whoever could put a link there would choose what the host mounts a volume on. The volumes themselves can be written.
    ReadOnly: true,
    // What is mounted below it later reaches the container; nothing that it mounts reaches the host.
    BindOptions: { Propagation: live ? "rslave" as const : "rprivate" as const, ReadOnlyNonRecursive: true }
  }]),
  ...(privileged
    ? ["/dev", "/sys"].map((path) => ({ Type: "bind" as const, Source: path, Target: path }))
    : [])
]

/** How the engine and the host are to be used. */
export interface Setting {
  readonly stateDirectory: string
  readonly apiVersion: string
  /** The directory that its volumes are mounted in, where they can be; and whether they can be at any time. */
  readonly volumes: string | undefined
  readonly liveVolumes: boolean
}

/** What makes a container: its first network comes with it, the others are connected before it starts. */
export interface ContainerPlan {
  readonly create: CreateRequest
  readonly connect: ReadonlyArray<{ readonly network: string; readonly endpoint: Endpoint }>
}

/** The plan of an instance's container. */
export const plan = (
  spec: InstanceSpec,
  source: ContainerBoot,
  { networks }: BootConfig,
  { apiVersion, liveVolumes, stateDirectory, volumes }: Setting
): ContainerPlan => {
  const attachments = spec.nics.flatMap((nic, index) => {
    const connection = networks[index]
    return nic.kind === "none" ? [] : [{
      network: networkOf(nic),
      mac: connection?.mac,
      endpoint: endpointOf(nic, connection?.mac, apiVersion)
    }]
  })
  const [first, ...others] = attachments
  const published = spec.nics.flatMap((nic) => nic.kind === "user" ? nic.publish ?? [] : [])
  const gateways = [...new Set(spec.nics.flatMap(({ gateway }) => gateway === undefined ? [] : [gateway]))]
  const memoryBytes = Number(ByteSize.toBigInt(spec.memory))
  const mounts = binds(spec.privileged === true, volumes, liveVolumes)
  const bindings: Record<string, Array<{ HostIp: string; HostPort: string }>> = {}
  for (const port of published) {
    const binding = { HostIp: port.hostAddress ?? "127.0.0.1", HostPort: `${port.hostPort}` }
    bindings[portKey(port)] = [...bindings[portKey(port)] ?? [], binding]
  }
  return {
    create: {
      Image: source.image,
      ...(source.command === undefined ? {} : { Cmd: source.command }),
      ...(source.hostname === undefined ? {} : { Hostname: source.hostname }),
      Env: Object.entries(source.environment ?? {}).map(([name, value]) => `${name}=${value}`),
      Labels: ContainerIdentity.labelsOf(stateDirectory, spec),
      // Its console can be typed at; its program sees no end of input as long as it runs.
      OpenStdin: true,
      ...(first?.mac === undefined || hasEndpointMac(apiVersion) ? {} : { MacAddress: first.mac }),
      ExposedPorts: Object.fromEntries(published.map((port) => [portKey(port), {}])),
      HostConfig: {
        Memory: memoryBytes,
        // As much as its memory: it does not swap, like a virtual machine's.
        MemorySwap: memoryBytes,
        // A quota, which may exceed what the host has; a number of processors may not.
        CpuPeriod: cpuPeriod,
        CpuQuota: spec.vcpus * cpuPeriod,
        NetworkMode: first?.network ?? "none",
        ...(gateways.length === 0 ? {} : { Dns: gateways }),
        PortBindings: bindings,
        ...(mounts.length === 0 ? {} : { Mounts: mounts }),
        ...(spec.privileged === true
          ? { PidMode: "host", IpcMode: "host", SecurityOpt: ["seccomp=unconfined"] }
          : {})
      },
      ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } } })
    },
    connect: others.map(({ endpoint, network }) => ({ network, endpoint }))
  }
}
