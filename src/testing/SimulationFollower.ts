/**
 * Who follows what happens on a simulated node: sometimes slowly, so that it falls behind.
 */
import { Effect, Stream } from "effect"
import type { Dice } from "../internal/Dice.ts"
import type { OpenLauncher } from "./OpenLauncher.ts"
import type { Recorder } from "./Recorder.ts"

/** Notes what a launcher tells, until it ends. */
export const follow = ({ fence, launcher }: OpenLauncher, recorder: Recorder, dice: Dice): Effect.Effect<void> =>
  Stream.runForEach(launcher.changes, (entry) =>
    Effect.suspend(() => {
      // A dead launcher tells nobody anything.
      if (!fence.isUp) return Effect.void
      switch (entry._tag) {
        case "Snapshot":
          recorder.note({
            _tag: "Snapshot",
            incarnation: entry.incarnation,
            sequence: entry.sequence,
            instances: new Map(entry.instances.map((instance) => [instance.spec.id, instance]))
          })
          break
        case "Event":
          recorder.note({ _tag: "Told", event: entry.event })
          break
        case "Lagged":
          recorder.note({ _tag: "Lagged", incarnation: launcher.incarnation, missed: entry.missed })
      }
      return dice.chance(0.01) ? Effect.sleep(dice.below(10_000)) : Effect.void
    }))
