/**
 * Whether a node takes instances, and what is being done about all of it: on disk before anything is done about it.
 */
import { Duration, Effect, Semaphore } from "effect"
import type { NodeTask } from "../domain/NodeStatus.ts"
import type { InstanceStore } from "./InstanceStore.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import { fail, type LauncherError, NodeMaintenance, StateFailure } from "./LauncherError.ts"
import type { NodeRecord } from "./NodeRecord.ts"

const resetting = "it is being reset: ask again when that is done"

export class NodeState {
  private record: NodeRecord
  private readonly store: InstanceStore["Service"]
  private readonly config: LauncherConfig
  private readonly writing = Semaphore.makeUnsafe(1)
  /** How many of each are under way. */
  private readonly begun: Record<NodeTask, number> = { evacuation: 0, reset: 0 }
  /** Whether something else may be on disk: a write that failed can have been done all the same. */
  private isInDoubt = false

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
    if (task === "reset") return new NodeMaintenance({ detail: resetting })
    return maintenance
      ? new NodeMaintenance({ detail: "it is in maintenance: restore it first, or start the instance elsewhere" })
      : undefined
  }

  /** The node is to be emptied, for maintenance or for good. */
  begin(task: NodeTask): Effect.Effect<void, LauncherError> {
    return Effect.tap(
      this.change((record) => {
        const maintenance = record.maintenance || task === "evacuation"
        // A reset is told as long as there is one: it lets nothing start, and is not restored.
        const told = record.task === "reset" ? record.task : task
        return Effect.succeed(
          record.task === told && record.maintenance === maintenance ? record : { ...record, maintenance, task: told }
        )
      }),
      () => Effect.sync(() => this.begun[task]++)
    )
  }

  /** It is, or nobody wants it any more. What another began goes on. That is to be written by {@link settle}. */
  end(task: NodeTask): void {
    this.begun[task]--
  }

  /** Writes what is left to be done. */
  get settle(): Effect.Effect<void, LauncherError> {
    return this.change((record) => {
      const { evacuation, reset } = this.begun
      const left = reset > 0 ? "reset" : evacuation > 0 ? "evacuation" : null
      // A node that was restored does not go on with what was to be done before.
      return Effect.succeed(record.task === null || record.task === left ? record : { ...record, task: left })
    })
  }

  /** The node takes instances again. Fails with `NodeMaintenance` while it is being reset. */
  get restore(): Effect.Effect<void, LauncherError> {
    return this.change((record) =>
      record.task === "reset"
        ? Effect.fail(fail(new NodeMaintenance({ detail: resetting })))
        : Effect.succeed({ ...record, maintenance: false, task: null })
    )
  }

  /** What failed is as it was, on disk too as far as that can be written: the next launcher is not to do what was refused. */
  private change(
    next: (record: NodeRecord) => Effect.Effect<NodeRecord, LauncherError>
  ): Effect.Effect<void, LauncherError> {
    const change = Effect.flatMap(
      Effect.suspend(() => next(this.record)),
      (record) =>
        record === this.record && !this.isInDoubt
          ? Effect.void
          : Effect.onError(this.write(record), () => Effect.ignore(this.write(this.record)))
    )
    return this.writing.withPermits(1)(Effect.uninterruptible(change))
  }

  private write(record: NodeRecord): Effect.Effect<void, LauncherError> {
    return Effect.suspend(() => {
      const { recordDeadline } = this.config
      const late = `the node's record took longer than ${Duration.toMillis(recordDeadline)} ms`
      this.isInDoubt = true
      return this.store.putNode(record).pipe(
        Effect.mapError((error) => fail(new StateFailure({ detail: error.message }))),
        Effect.timeoutOrElse({
          duration: recordDeadline,
          orElse: () => Effect.fail(fail(new StateFailure({ detail: late })))
        }),
        Effect.map(() => {
          this.isInDoubt = false
          this.record = record
        })
      )
    })
  }
}
