/**
 * Payloads that are refused, and the volumes and images that they name.
 */
import { Effect, FileSystem, Path } from "effect"
import { exec } from "../../host/exec.ts"

/** A payload for a state directory, and how it is refused. */
export interface BadInput {
  readonly name: string
  readonly payload: (state: string) => string
  readonly code: string
  /** What to do. */
  readonly says: RegExp
}

/** A START payload with these fields. */
export const start = (fields: string) => `start:\n  instance_uuid: 67e8\n  fw_type: legacy\n${fields}`

/** A START payload that boots from this volume. */
export const bootFrom = (volume: string) => start(`  storage:\n  - id: ${volume}\n    boot: true\n`)

/** Through the border of the seed system. */
export const payloads: ReadonlyArray<BadInput> = [
  { name: "no YAML", payload: () => "start: [", code: "invalid_payload", says: /line 1/ },
  {
    name: "a huge document",
    payload: () => `${bootFrom("a")}#${"x".repeat(2e6)}`,
    code: "invalid_payload",
    says: /1 MiB|1048576/
  },
  {
    name: "a wrong type",
    payload: () => start("  requirements: { vcpus: many }\n"),
    code: "invalid_data",
    says: /start\.requirements\.vcpus/
  },
  {
    name: "no id",
    payload: () => "start:\n  vm_type: qemu\n",
    code: "invalid_data",
    says: /instance_uuid: is required/
  },
  {
    name: "an id like a path",
    payload: () => "start:\n  instance_uuid: ../../etc\n",
    code: "invalid_data",
    says: /start\.instance_uuid/
  },
  {
    name: "a volume like a path",
    payload: () => bootFrom("../x"),
    code: "invalid_data",
    says: /start\.storage\[0\]\.id/
  },
  { name: "nothing to boot from", payload: () => start(""), code: "invalid_data", says: /add boot: true/ },
  {
    name: "a volume that is not there",
    payload: () => bootFrom("nowhere"),
    code: "image_failure",
    says: /put the volume there/
  },
  {
    name: "a volume with two sources",
    payload: () => bootFrom("twice"),
    code: "image_failure",
    says: /remove the one/
  },
  {
    name: "a volume that leads out of the roots",
    payload: () => bootFrom("link"),
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a volume that is no image of its format",
    payload: () => bootFrom("garbage"),
    code: "image_failure",
    says: /qcow2/
  },
  {
    name: "a volume over a file elsewhere",
    payload: () => bootFrom("over-elsewhere"),
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a volume over one that is gone",
    payload: () => bootFrom("over-nothing"),
    code: "image_failure",
    says: /there is no such file/
  },
  {
    name: "a container without an engine",
    payload: () => start("  vm_type: docker\n  docker_image: debian\n"),
    code: "not_supported",
    says: /docker/
  }
]

/** A native spec that boots from this image. */
export const image = (path: string, format = "raw") =>
  `id: 67e8\nmemory: 32 MiB\nboot: { kind: image, path: ${JSON.stringify(path)}, format: ${format} }\n`

/** Through the native spec. */
export const specs: ReadonlyArray<BadInput> = [
  {
    name: "a missing image",
    payload: (state) => image(`${state}/images/none.raw`),
    code: "image_failure",
    says: /put it there/
  },
  {
    name: "an image with commas and newlines that is not there",
    payload: (state) => image(`${state}/images/a,b\nc.raw`),
    code: "image_failure",
    says: /put it there/
  },
  {
    name: "an image outside the roots",
    payload: () => image("/etc/passwd"),
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a corrupt image",
    payload: (state) => image(`${state}/images/cut.qcow2`, "qcow2"),
    code: "image_failure",
    says: /qemu-img/
  },
  {
    name: "a kernel outside the roots",
    payload: () => "id: 67e8\nmemory: 32 MiB\nboot: { kind: kernel, kernel: /etc/passwd }\n",
    code: "image_failure",
    says: /add its directory to the roots/
  },
  {
    name: "a restart policy that there is not",
    payload: (state) => `${image(`${state}/images/good.raw`)}restart: sometimes\n`,
    code: "invalid_data",
    says: /restart/
  }
]

/** What the payloads name. */
export const prepare = Effect.fnUntraced(function*(state: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const volume = (name: string) => join(state, "volumes", name)
  const images = (name: string) => join(state, "images", name)
  yield* fs.writeFileString(volume("twice.raw"), "")
  yield* fs.writeFileString(volume("twice.qcow2"), "")
  yield* fs.symlink("/etc/passwd", volume("link.raw"))
  yield* fs.writeFileString(volume("garbage.qcow2"), "not an image")
  const over = (name: string, backing: string) =>
    exec("qemu-img", "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", "raw", volume(name), "1M")
  yield* over("over-elsewhere.qcow2", "/etc/passwd")
  yield* over("over-nothing.qcow2", volume("gone.raw"))
  yield* fs.writeFile(images("good.raw"), new Uint8Array(65_536))
  yield* exec("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-S", "0", images("good.raw"), images("cut.qcow2"))
  yield* fs.truncate(images("cut.qcow2"), 300_000)
  // It would be there, if a comma could end a path.
  yield* fs.writeFileString(images("a"), "")
})
