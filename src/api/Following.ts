/**
 * What a follower of events is sent.
 */
import { Cause, type Duration, Effect, Option, Schema, Stream } from "effect"
import { Sse } from "effect/encoding"
import type { InstanceEvent, Position } from "../domain/InstanceEvent.ts"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { LauncherChange } from "../launcher/Launcher.ts"
import { NodeChange } from "./EventsApi.ts"
import { meets } from "./Filtering.ts"

/** Which instances a follower wants to know of; all, where nothing is said. */
export interface Interest {
  readonly instance?: ReadonlyArray<string> | undefined
  readonly label?: ReadonlyArray<string> | undefined
}

const encodeChange = Schema.encodeSync(Schema.toCodecJson(NodeChange))
const utf8 = new TextEncoder()

const bytesOf = (change: NodeChange, position: Position | undefined): Uint8Array =>
  utf8.encode(Sse.encoder.write({
    _tag: "Event",
    event: change._tag,
    id: position === undefined ? undefined : `${position.incarnation}:${position.sequence}`,
    data: JSON.stringify(encodeChange(change))
  }))

type Snapshot = Extract<LauncherChange, { readonly _tag: "Snapshot" }>

/** Changes as they are sent, each encoded once for all who follow. */
export class Encoded {
  private readonly known = new WeakMap<InstanceEvent, Uint8Array>()
  /** The latest snapshot of all instances: those who come at once are sent the same bytes. */
  private latest: { readonly sequence: number; readonly bytes: Uint8Array } | undefined

  ofAll(snapshot: Snapshot): Uint8Array {
    const { sequence } = snapshot
    if (this.latest?.sequence !== sequence) this.latest = { sequence, bytes: bytesOf(snapshot, snapshot) }
    return this.latest.bytes
  }

  of(event: InstanceEvent): Uint8Array {
    let bytes = this.known.get(event)
    if (bytes === undefined) {
      bytes = bytesOf({ _tag: "Event", event }, event)
      this.known.set(event, bytes)
    }
    return bytes
  }
}

/** What one follower wants to know, and was told. */
class Follower {
  position: Position | undefined
  private readonly isTold: ((instance: InstanceInfo) => boolean) | undefined
  /** The instances it is told of. */
  private readonly ids = new Set<InstanceId>()
  private readonly encoded: Encoded

  constructor(interest: Interest, encoded: Encoded, after: Position | undefined) {
    const { instance, label } = interest
    const meetsLabels = meets({ label })
    this.encoded = encoded
    this.position = after
    if (instance !== undefined || label !== undefined) {
      this.isTold = (info) =>
        meetsLabels(info) &&
        (instance === undefined || instance.includes(info.spec.id) ||
          (info.spec.name !== undefined && instance.includes(info.spec.name)))
    }
  }

  /** Takes in who is there, for one who goes on where it was and gets no snapshot. */
  know(instances: ReadonlyArray<InstanceInfo>): void {
    if (this.isTold === undefined) return
    for (const info of instances) if (this.isTold(info)) this.ids.add(info.spec.id)
  }

  /** What it is sent of a change, if anything. */
  tell(change: LauncherChange): Uint8Array | undefined {
    switch (change._tag) {
      case "Snapshot": {
        const { incarnation, sequence } = change
        this.position = { incarnation, sequence }
        if (this.isTold === undefined) return this.encoded.ofAll(change)
        const instances = change.instances.filter(this.isTold)
        this.ids.clear()
        this.know(instances)
        return bytesOf({ ...change, instances }, this.position)
      }
      case "Event": {
        const { event } = change
        this.position = event
        return this.concerns(event) ? this.encoded.of(event) : undefined
      }
      case "Lagged":
        return bytesOf(
          change.missed === undefined ? { _tag: "Lagged" } : { _tag: "Lagged", missed: change.missed },
          undefined
        )
    }
  }

  private concerns({ change, id }: InstanceEvent): boolean {
    if (this.isTold === undefined) return true
    if (change._tag === "Added" && this.isTold(change.instance)) this.ids.add(id)
    return change._tag === "Deleted" ? this.ids.delete(id) : this.ids.has(id)
  }

  get quiet(): Uint8Array | undefined {
    return this.position === undefined ? undefined : bytesOf({ _tag: "Quiet", ...this.position }, this.position)
  }
}

const join = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (parts.length === 1) return parts[0]
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** How a follower is told of changes. */
export interface Following {
  readonly interest: Interest
  readonly encoded: Encoded
  /** Where it goes on. */
  readonly after: Position | undefined
  /** Who is there now. */
  readonly instances: ReadonlyArray<InstanceInfo>
  readonly quietAfter: Duration.Duration
}

/**
 * Changes as the bytes of server-sent events. A follower that was slower than what is held is told so, and its stream ends; one that
 * comes back after too long is told so, and goes on with a snapshot.
 */
export const bytes = (
  changes: Stream.Stream<LauncherChange>,
  { after, encoded, instances, interest, quietAfter }: Following
): Stream.Stream<Uint8Array> =>
  Stream.suspend(() => {
    const follower = new Follower(interest, encoded, after)
    if (after !== undefined) follower.know(instances)
    let isFirst = true
    let isOver = false
    return Stream.transformPull(changes, (pull) =>
      Effect.succeed(Effect.gen(function*() {
        while (true) {
          if (isOver) return yield* Cause.done()
          const entries = yield* Effect.timeoutOption(pull, quietAfter)
          const parts: Array<Uint8Array> = []
          if (Option.isNone(entries)) {
            if (follower.quiet !== undefined) parts.push(follower.quiet)
          } else {
            for (const change of entries.value) {
              if (isOver) break
              const part = follower.tell(change)
              if (part !== undefined) parts.push(part)
              isOver = change._tag === "Lagged" && !isFirst
              isFirst = false
            }
          }
          if (parts.length > 0) return [join(parts)] as const
        }
      })))
  })
