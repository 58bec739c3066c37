/**
 * Images for an engine of a test's own: a busybox, whose first process is told how to behave (see `init` beside this file).
 */
import * as Crypto from "node:crypto"
import { Effect, FileSystem, Path } from "effect"
import { exec } from "../exec.ts"
import type { DockerEngine } from "./DockerEngine.ts"

/** What a container of an image says when it runs, before its host name. */
export const ready = "VIVARIUM-CONTAINER ready"

/** What it says when it was asked to end, and ends. */
export const asked = "VIVARIUM-CONTAINER asked"

/** What is particular about each image, in the words of an image's configuration. */
const images = {
  /** Ends with status 0 when it is asked to. */
  obedient: { Cmd: ["/init"] },
  /** Asked to end by another signal than usual, and heeds no other. */
  peculiar: { Cmd: ["/init", "USR1"], StopSignal: "SIGUSR1" },
  /** Never ends because it is asked to. */
  deaf: { Cmd: ["/init", "deaf"] },
  /** Ends at once, with status 7. */
  brief: { Cmd: ["/bin/sh", "-c", "exit 7"] },
  /** Cannot be started: its program does not exist. */
  broken: { Cmd: ["/none"] },
  /** As obedient, with 8 MiB that nothing compresses. */
  bulky: { Cmd: ["/init"] }
}

export type TestImage = keyof typeof images

/** The image as an engine names it that has it. */
export const reference = (image: TestImage): string => `vivarium/${image}:1`

/** Makes the two layers: a busybox, and what takes up room. */
const pack = `cd "$1"
mkdir root
(
  cd root
  mkdir bin dev etc proc sys tmp volumes
  cp "$(command -v busybox)" bin/busybox
  for name in $(bin/busybox --list); do [ "$name" = busybox ] || ln -s busybox "bin/$name"; done
  cp "$2" init
)
mkdir bulk
head -c 8388608 /dev/urandom >bulk/bulk
for layer in root bulk; do tar -C "$layer" -cf "$layer.tar" .; rm -r "$layer"; done`

/** The images, as an engine loads them. */
const archive = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "images-" })
  yield* exec("sh", "-ec", pack, "sh", directory, yield* path.fromFileUrl(new URL("init", import.meta.url)))
  const digest = (layer: string) =>
    Effect.map(
      fs.readFile(path.join(directory, layer)),
      (bytes) => `sha256:${Crypto.createHash("sha256").update(bytes).digest("hex")}`
    )
  const digests = { "root.tar": yield* digest("root.tar"), "bulk.tar": yield* digest("bulk.tar") }
  const manifest = yield* Effect.forEach(Object.entries(images), ([name, config]) => {
    const layers = name === "bulky" ? ["root.tar", "bulk.tar"] as const : ["root.tar"] as const
    return Effect.as(
      fs.writeFileString(
        path.join(directory, `${name}.json`),
        JSON.stringify({
          architecture: process.arch === "x64" ? "amd64" : process.arch,
          os: "linux",
          config: { ...config, Env: ["PATH=/bin"] },
          rootfs: { type: "layers", diff_ids: layers.map((layer) => digests[layer]) }
        })
      ),
      { Config: `${name}.json`, RepoTags: [`vivarium/${name}:1`], Layers: layers }
    )
  })
  yield* fs.writeFileString(path.join(directory, "manifest.json"), JSON.stringify(manifest))
  yield* exec("tar", "-C", directory, "-cf", path.join(directory, "all.tar"), "--exclude=all.tar", ".")
  return yield* fs.readFile(path.join(directory, "all.tar"))
}).pipe(Effect.scoped, Effect.orDie)

/** Puts the images into an engine. */
export const load = Effect.fn("TestImages.load")(function*(engine: DockerEngine) {
  yield* Effect.orDie(engine.http.done("POST", "/images/load?quiet=1", yield* archive))
})
