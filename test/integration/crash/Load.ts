/**
 * What goes on beside: instances that are paused and resumed, as fast as their launcher answers.
 */
import { Effect } from "effect"
import { bystanders } from "./Ground.ts"
import type { LauncherProcess } from "./LauncherProcess.ts"

/** What is known of an instance from the answers that were got. */
export interface Known {
  readonly id: string
  /** What it is. */
  is: "Paused" | "Running"
  /** What it was asked to become, if that was not answered. */
  asked: "Paused" | "Running"
  /** How many commands were answered. */
  answers: number
  /** A command that was refused, in words. */
  refused: string | undefined
}

/** Begins it, if it is wanted, and goes on until the launcher ends or the scope closes. */
export const begin = Effect.fnUntraced(function*(launcher: LauncherProcess, isWanted: boolean) {
  const all = bystanders.map((id): Known => ({ id, is: "Running", asked: "Running", answers: 0, refused: undefined }))
  yield* Effect.forEach(bystanders, (id, index) => {
    const known = all[index]
    if (known === undefined || !isWanted) return Effect.void
    return Effect.forkScoped(Effect.ignore(Effect.forever(Effect.gen(function*() {
      const next = known.is === "Running" ? "Paused" : "Running"
      known.asked = next
      const answer = yield* launcher.ask({ _tag: next === "Paused" ? "Pause" : "Resume", id }, "aside")
      known.answers++
      if (answer._tag === "Done") known.is = next
      else known.refused ??= JSON.stringify(answer)
    }))))
  }, { discard: true })
  return all
})
