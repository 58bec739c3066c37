/**
 * Instances in words.
 */
import { ByteSize } from "effect"
import * as ExitStatus from "../domain/ExitStatus.ts"
import type { BootSource } from "../domain/Image.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { InstanceState } from "../domain/InstanceState.ts"
import type { PublishedPort } from "../domain/Network.ts"
import { plain } from "./Text.ts"

/** What an instance is called: its name, or else its id. */
export const called = ({ spec }: Pick<InstanceInfo, "spec">): string => spec.name ?? spec.id

/** A state in one word. */
export const stateName = (state: InstanceState): string => state._tag.toLowerCase()

/** A state with what is known of it. */
export const stateText = (state: InstanceState): string => {
  const name = stateName(state)
  switch (state._tag) {
    case "Exited":
      return `${name} (${ExitStatus.format(state.status)})`
    case "Restarting":
      return `${name} (restart ${state.restarts}: ${plain(state.why)})`
    case "Failed":
      return `${name} (${state.phase}: ${plain(state.detail)})`
    case "Unknown":
      return `${name} (${plain(state.why)})`
    case "Pending":
    case "Preparing":
    case "Starting":
    case "Running":
    case "Paused":
    case "Stopping":
    case "Stopped":
      return name
  }
}

/** What an instance is doing on its way to run, as a person waits for it. */
export const doing = (state: InstanceState): string => {
  switch (state._tag) {
    case "Pending":
      return "waiting to be started"
    case "Preparing":
      return "preparing its image and disk"
    case "Starting":
      return "launching its guest and waiting for it to connect"
    case "Running":
    case "Paused":
    case "Stopping":
    case "Stopped":
    case "Exited":
    case "Restarting":
    case "Failed":
    case "Unknown":
      return stateText(state)
  }
}

const fileName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/** What an instance boots from, briefly. */
export const bootName = (boot: BootSource): string => {
  switch (boot.kind) {
    case "image":
      return fileName(boot.path)
    case "volume":
      return `volume ${boot.volume}`
    case "kernel":
      return fileName(boot.kernel)
    case "container":
      return boot.image
  }
}

/** What an instance boots from, in full. */
export const bootText = (boot: BootSource): string => {
  switch (boot.kind) {
    case "image":
      return `${boot.path} (${boot.format})`
    case "volume":
      return `volume ${boot.volume}`
    case "kernel":
      return [boot.kernel, ...(boot.initrd === undefined ? [] : [`initrd ${boot.initrd}`])].join(", ")
    case "container":
      return [boot.image, ...(boot.command ?? [])].join(" ")
  }
}

const portText = ({ guestPort, hostAddress, hostPort, protocol }: PublishedPort): string =>
  `${hostAddress === undefined ? "" : `${hostAddress}:`}${hostPort}:${guestPort}${protocol === "udp" ? "/udp" : ""}`

/** The ports that an instance publishes, as `-p` takes them. */
export const ports = ({ spec }: InstanceInfo): string =>
  spec.nics.flatMap((nic) => nic.kind === "user" ? (nic.publish ?? []).map(portText) : []).join(", ")

/** The memory that an instance is given. */
export const memory = ({ spec }: InstanceInfo): string => ByteSize.format(spec.memory, { precision: 1 })

/** How many characters of a long id a table shows. */
const shortest = 12

/** The ids so far as they tell one from another, for a table: each is a prefix that names one of them only. */
export const abbreviated = (ids: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const sorted = ids.toSorted()
  const common = (a: string, b = ""): number => {
    let length = 0
    while (length < a.length && a[length] === b[length]) length++
    return length
  }
  return new Map(sorted.map((id, index) => {
    const needed = 1 + Math.max(common(id, sorted[index - 1]), common(id, sorted[index + 1]))
    return [id, id.slice(0, Math.max(shortest, needed))] as const
  }))
}
