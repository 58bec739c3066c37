/**
 * A dead launcher does nothing: between its death and the next beginning nothing is recorded, launched, asked of a virtualizer
 * or told. That holds of one that crashed, and of one that closed; what that one told before, a slow follower may still read.
 *
 * What crashed launchers still tried was refused: that it never was, in many crashes, shows that nothing was there to refuse it.
 */
import { type Checker, make } from "../Checker.ts"

/** So many crashes without one refusal are not chance. */
const crashesMin = 10

export const deadLaunchers: Checker = make("a dead launcher does nothing", (complain) => {
  /** The launcher that lives. */
  let up: number | undefined
  let hasBegun = false
  const crashed = new Set<number>()
  const closed = new Set<number>()
  let buried = 0
  let refused = 0

  const mustLive = (what: string): void => {
    if (hasBegun && up === undefined) complain(`no launcher lives, and ${what}`)
  }

  return (entry) => {
    switch (entry._tag) {
      case "Began":
        if (up !== undefined) complain(`launcher ${entry.incarnation} begins while ${up} lives`)
        up = entry.incarnation
        hasBegun = true
        return
      case "Crashed":
      case "Closed":
        if (entry._tag === "Crashed") crashed.add(entry.incarnation)
        else closed.add(entry.incarnation)
        if (up === entry.incarnation) up = undefined
        return
      case "Buried":
        crashed.delete(entry.incarnation)
        buried++
        refused += entry.refused
        return
      case "Acting":
        if (entry.incarnation !== up) {
          complain(`launcher ${entry.incarnation} asks for ${entry.operation} of ${entry.id}`)
        }
        return
      case "Recorded":
      case "Removed":
        return mustLive(`the record of ${entry.id} is written`)
      case "Spawned":
        return mustLive(`guest ${entry.pid} of ${entry.id} begins`)
      case "Told":
        if (entry.event.incarnation !== up && !closed.has(entry.event.incarnation)) {
          complain(`launcher ${entry.event.incarnation} tells event ${entry.event.sequence}`)
        }
        return
      case "Settled":
        for (const incarnation of crashed) complain(`launcher ${incarnation} crashed, and has not gone`)
        if (buried >= crashesMin && refused === 0) {
          complain(`${buried} launchers crashed, and none was refused anything`)
        }
        return
      default:
        return
    }
  }
})
