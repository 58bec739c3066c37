/**
 * What one instance has taken of its node, and no other has: its volumes, and what its guest needs.
 */
import { Holding } from "./Books.ts"
import type { Step } from "./Decision.ts"
import type { Desired, InstanceRecord } from "./InstanceRecord.ts"
import { InstanceVolumes } from "./InstanceVolumes.ts"
import { AlreadyAttached, type Reason } from "./LauncherError.ts"
import type { Situation } from "./Situation.ts"
import type { Surroundings } from "./Surroundings.ts"
import type { Waiter } from "./Waiters.ts"
import { type Command, isStart, revert } from "./Wish.ts"

export class InstanceClaims {
  private readonly volumes: InstanceVolumes
  private readonly holding: Holding
  private readonly refusal: Surroundings["refusal"]

  constructor(situation: Situation, { books, claims, refusal }: Surroundings) {
    this.volumes = new InstanceVolumes(situation.record, claims)
    this.holding = new Holding(situation, books)
    this.refusal = refusal
  }

  /**
   * Takes what a command needs, after which `epoch` is the start that is wanted, or says why it can not have it. It is given
   * back when it turns out not to be wanted.
   */
  take(command: Command, epoch: number, { created, desired, spec }: InstanceRecord): Reason | undefined {
    // The first start of an instance was admitted with it, unless it was created without one.
    if (isStart(command) && epoch > desired.epoch && (created || desired.epoch > 0)) {
      const refused = this.refusal(spec, this.holding.forGuest ? "nothing" : "guest")
      if (refused === undefined) this.holding.takeForGuest()
      return refused
    }
    if (command._tag !== "Attach") return undefined
    const { volume: { id: volume } } = command
    const holder = this.volumes.take(volume)
    return holder === undefined ? undefined : new AlreadyAttached({ volume, id: holder })
  }

  /** What is wanted without what beaten commands asked for. A volume that another instance took meanwhile stays there. */
  undo(beaten: ReadonlyArray<Pick<Waiter, "command" | "before">>, desired: Desired): Desired {
    return beaten.reduce((desired, { before, command }) => {
      if (command._tag === "Detach" && this.volumes.take(command.volume) !== undefined) return desired
      return revert(command, desired, before)
    }, desired)
  }

  /** A step begins. */
  begin(step: Step, situation: Situation): void {
    this.volumes.begin(step, situation)
  }

  /** The step is over, and what came of it is for the situation to say. */
  end(): void {
    this.volumes.end()
  }

  /** Has what a situation calls for, and no more. Returns the situation, with what is leaving noted. */
  settle(situation: Situation): Situation {
    this.holding.settle(situation)
    return this.volumes.settle(situation)
  }

  /** The record with what is taken and not wanted, so that a later launcher takes it too. */
  note(record: InstanceRecord): InstanceRecord {
    return this.volumes.note(record)
  }

  /** Gives everything back; while a launcher closes, volumes stay, for others may still be writing what they want. */
  release(isClosing: boolean): void {
    if (!isClosing) this.volumes.release()
    this.holding.release()
  }
}
