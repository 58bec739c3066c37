/**
 * Pulling images.
 */
import { Effect, Stream } from "effect"
import type * as EngineClient from "./EngineClient.ts"
import { type EngineError, fail, isAway, PullFailed, type PullTrouble } from "./EngineError.ts"
import * as ImageReference from "./ImageReference.ts"
import * as Images from "./Images.ts"

/** How far a pull has come, all layers together. `totalBytes` is absent until the size of one is known; it grows with them. */
export interface PullProgress {
  readonly doneBytes: number
  readonly totalBytes?: number
}

/** What went wrong, which engines say in words only: those of the registry, of Go's network package, and of the kernel. */
export const troubleOf = (detail: string): PullTrouble =>
  /no space left on device|disk quota exceeded/i.test(detail)
    ? "no-space"
    // Registries that hide what is private say both in one.
    : /manifest unknown|not found|no such image|does not exist|name unknown|repository name not known/i.test(detail)
    ? "not-found"
    : /unauthorized|authentication required|access denied|denied|no basic auth credentials|forbidden/i.test(detail)
    ? "denied"
    : /dial tcp|connection refused|no such host|i\/o timeout|network is unreachable|deadline exceeded|TLS handshake|connection reset|request canceled|\bEOF\b|server gave HTTP response|x509|pinging container registry/i
        .test(detail)
    ? "unreachable"
    : "other"

interface Layer {
  downloaded: number
  total: number | undefined
}

/** Adds up what a pull's lines say of its layers. */
class Sum {
  readonly #layers = new Map<string, Layer>()
  #doneBytes = 0

  /** Takes a line. Answers the progress when it has changed. Never goes back, and not beyond the total. */
  add({ id, progressDetail, status }: Images.PullLine): PullProgress | undefined {
    if (id === undefined || status === undefined) return undefined
    const { current, total } = progressDetail ?? {}
    const layer = this.#layers.get(id) ?? { downloaded: 0, total: undefined }
    if (status === "Downloading" && current !== undefined) {
      layer.downloaded = Math.max(layer.downloaded, current)
      layer.total = total !== undefined && total > 0 ? total : layer.total
    } else if (status === "Download complete" || status === "Pull complete") {
      layer.downloaded = layer.total ?? layer.downloaded
    } else return undefined
    this.#layers.set(id, layer)
    let done = 0
    let all = 0
    for (const { downloaded, total } of this.#layers.values()) {
      done += downloaded
      all += total ?? downloaded
    }
    this.#doneBytes = Math.max(this.#doneBytes, done)
    return { doneBytes: this.#doneBytes, ...(all > 0 ? { totalBytes: Math.max(all, this.#doneBytes) } : {}) }
  }
}

const pullFailed = (reference: ImageReference.ImageReference, detail: string): EngineError =>
  fail(new PullFailed({ reference: ImageReference.format(reference), trouble: troubleOf(detail), detail }))

/**
 * Pulls an image: a stream of how far it has come, which ends when the image is there. Ending it here cancels the pull, and the
 * engine drops what it has fetched of it, unless another pull wants that too. `auth` is from `RegistryCredentials`.
 *
 * Fails with `PullFailed`, which tells what is not found or denied from what can not be reached or stored; and as `stream` does
 * when the engine is away.
 */
export const pull = (
  engine: EngineClient.Shape,
  reference: ImageReference.ImageReference,
  auth: string | undefined
): Stream.Stream<PullProgress, EngineError> =>
  Stream.suspend(() => {
    const sum = new Sum()
    // It answers once it has spoken to the registry, whose own deadlines are the engine's.
    return engine.stream(Images.pull(reference, auth), { deadline: "5 minutes" }).pipe(
      Stream.mapError((error) =>
        isAway(error) || !("detail" in error.reason) ? error : pullFailed(reference, error.reason.detail)
      ),
      Stream.mapEffect((line) =>
        line.error === undefined ? Effect.succeed(sum.add(line)) : Effect.fail(pullFailed(reference, line.error))
      ),
      Stream.filter((progress) => progress !== undefined)
    )
  })
