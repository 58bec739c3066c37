/**
 * One instance's record on disk: what is there, whether it is what it should be, and the writing of it.
 */
import { Duration, Effect } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import { within } from "./Attempt.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import type { InstanceStore } from "./InstanceStore.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import { StateFailure } from "./LauncherError.ts"

const tooLate = (deadline: Duration.Duration) => `a record took longer than ${Duration.toMillis(deadline)} ms`

export class RecordKeeper {
  /** The record as it is on disk; absent when there is none yet. */
  saved: InstanceRecord | undefined
  /**
   * Whether something else may be on disk, until it is written or removed: a write that failed can have been done all the
   * same, and what was refused for it must not be done by a later launcher.
   */
  isInDoubt = false
  private readonly around: { readonly config: LauncherConfig; readonly store: InstanceStore["Service"] }

  constructor(saved: InstanceRecord | undefined, around: RecordKeeper["around"]) {
    this.saved = saved
    this.around = around
  }

  /** Whether it is known what is on disk, and that it is there. */
  get isCertain(): boolean {
    return this.saved !== undefined && !this.isInDoubt
  }

  /** Whether something is to be written. Of an instance that is going, no more than that needs to be on disk. */
  isDirty(record: InstanceRecord): boolean {
    if (record.desired.power === "deleted" && this.saved?.desired.power === "deleted") return false
    return record !== this.saved || this.isInDoubt
  }

  /**
   * Whether something is to be written before anybody hears of it. That a guest has connected is not: until that is on
   * disk, the next launcher finds it out from the guest.
   */
  mustSave(record: InstanceRecord): boolean {
    return this.isDirty(record) && (record.desired !== this.saved?.desired || record.ended !== this.saved.ended)
  }

  /** Writes a record, and returns it as it was written. */
  save(record: InstanceRecord): Effect.Effect<InstanceRecord, StateFailure> {
    const { config: { recordDeadline }, store } = this.around
    const next = { ...record, revision: (this.saved?.revision ?? 0) + 1 }
    return store.put(next).pipe(
      (put) => within(put, recordDeadline, () => Effect.fail({ message: tooLate(recordDeadline) })),
      Effect.matchEffect({
        onSuccess: () => {
          this.isInDoubt = false
          this.saved = next
          return Effect.succeed(next)
        },
        onFailure: ({ message }) => {
          this.isInDoubt = true
          return Effect.fail(new StateFailure({ detail: message }))
        }
      })
    )
  }

  /** Removes an instance's record. Says whether it is gone. Uninterruptible. */
  remove(id: InstanceId): Effect.Effect<boolean> {
    return Effect.timeout(this.around.store.remove(id), this.around.config.recordDeadline).pipe(
      Effect.as(true),
      Effect.orElseSucceed(() => false),
      Effect.uninterruptible
    )
  }
}
