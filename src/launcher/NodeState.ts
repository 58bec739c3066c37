/**
 * Whether a node takes instances, and what is being done about all of it: on disk before anything is done about it.
 */
import { Duration, Effect, Semaphore } from "effect"
import type { NodeTask } from "../domain/NodeStatus.ts"
import type { InstanceStore } from "./InstanceStore.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import { fail, type LauncherError, NodeMaintenance, StateFailure } from "./LauncherError.ts"
import type { NodeRecord } from "./NodeRecord.ts"

export class NodeState {
  private record: NodeRecord
  private readonly store: InstanceStore["Service"]
  private readonly config: LauncherConfig
  private readonly writing = Semaphore.makeUnsafe(1)

  constructor(record: NodeRecord, store: InstanceStore["Service"], config: LauncherConfig) {
    this.record = record
    this.store = store
    this.config = config
  }

  get isInMaintenance(): boolean {
    return this.record.maintenance
  }

  /** What is under way, or was when the launcher before ended. */
  get task(): NodeTask | null {
    return this.record.task
  }

  /** Why no instance may be started now. */
  get refusal(): NodeMaintenance | undefined {
    const { maintenance, task } = this.record
    if (task === "reset") return new NodeMaintenance({ detail: "it is being reset: ask again when that is done" })
    return maintenance
      ? new NodeMaintenance({ detail: "it is in maintenance: restore it first, or start the instance elsewhere" })
      : undefined
  }

  /** The node is to be emptied, for maintenance or for good. */
  begin(task: NodeTask): Effect.Effect<void, LauncherError> {
    return this.change((record) => {
      const maintenance = record.maintenance || task === "evacuation"
      return record.task === task && record.maintenance === maintenance ? record : { ...record, maintenance, task }
    })
  }

  /** It is, or nobody wants it any more. What another began meanwhile goes on. */
  end(task: NodeTask): Effect.Effect<void, LauncherError> {
    return this.change((record) => record.task === task ? { ...record, task: null } : record)
  }

  /** The node takes instances again. Fails with `NodeMaintenance` while it is being reset. */
  get restore(): Effect.Effect<void, LauncherError> {
    return Effect.suspend(() =>
      this.record.task === "reset"
        ? Effect.fail(fail(new NodeMaintenance({ detail: "it is being reset: ask again when that is done" })))
        : this.change((record) => ({ ...record, maintenance: false, task: null }))
    )
  }

  /** What failed is as it was; a write that was cut short is written again, or over, by the next. */
  private change(next: (record: NodeRecord) => NodeRecord): Effect.Effect<void, LauncherError> {
    const { recordDeadline } = this.config
    const write = Effect.suspend(() => {
      const record = next(this.record)
      if (record === this.record) return Effect.void
      return this.store.putNode(record).pipe(
        Effect.mapError((error) => fail(new StateFailure({ detail: error.message }))),
        Effect.timeoutOrElse({
          duration: recordDeadline,
          orElse: () =>
            Effect.fail(
              fail(
                new StateFailure({
                  detail: `the node's record took longer than ${Duration.toMillis(recordDeadline)} ms`
                })
              )
            )
        }),
        Effect.map(() => {
          this.record = record
        })
      )
    })
    return this.writing.withPermits(1)(Effect.uninterruptible(write))
  }
}
