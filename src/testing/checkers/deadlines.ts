/**
 * Every wait has a deadline. A call is answered within the deadline of commands; one that is given up returns within the time
 * that taking it back may take. A step of an instance is over within its own deadline, and so are the beginning and the end of a
 * launcher.
 *
 * What is allowed beyond a deadline: `cleanUpMillis`, for a step that is cut short undoes what it did.
 */
import { Duration } from "effect"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { LauncherConfig } from "../../launcher/LauncherConfig.ts"
import { type Checker, make } from "../Checker.ts"
import { type Call, isClearing, type Operation } from "../History.ts"
import { Calls } from "./Calls.ts"

/**
 * How long it may take, in milliseconds, until an operation that is cut short is undone: the longest is to kill a guest that was
 * just launched, and to verify that.
 */
export const cleanUpMillis = (operation: Operation): number => {
  switch (operation) {
    case "start":
      return 10_000
    case "attach":
    case "detach":
      return 5_000
    default:
      return 1_000
  }
}

/** The longest of them. */
export const longestCleanUpMillis = cleanUpMillis("start")

const deadlineOf = (operation: Operation, config: LauncherConfig, grace: Duration.Duration): Duration.Duration => {
  switch (operation) {
    case "probe":
      return config.probeDeadline
    case "image":
      return config.imageDeadline
    case "create":
      return config.createDeadline
    case "deleteImage":
      return config.deleteDeadline
    case "start":
      return config.launchDeadline
    case "monitor":
    case "connect":
      return config.connectDeadline
    case "kill":
    case "quit":
      return config.stopDeadline
    case "stop":
      return Duration.sum(config.stopDeadline, grace)
    case "pause":
    case "resume":
      return config.pauseDeadline
    case "attach":
    case "detach":
      return config.attachDeadline
  }
}

/** An operation under way. */
interface Act {
  readonly id: InstanceId
  readonly operation: Operation
  readonly atMillis: number
  readonly mostMillis: number
}

/** How long a call may take. What is about the whole node is so many commands to each instance, all at once. */
const mostMillis = (command: Call, config: LauncherConfig): number => {
  const { commandDeadline, connectDeadline, deleteDeadline, discoverDeadline, recordDeadline, stopDeadline } = config
  const sum = (...durations: ReadonlyArray<Duration.Duration>): number =>
    durations.reduce((sum, each) => sum + Duration.toMillis(each), 0)
  const adoption = sum(connectDeadline, recordDeadline, recordDeadline, config.probeDeadline, connectDeadline)
  // Who adopts or destroys it already is waited for.
  const orphan = sum(stopDeadline, deleteDeadline, recordDeadline, recordDeadline) + adoption
  switch (command._tag) {
    case "Evacuate":
      return sum(commandDeadline, commandDeadline, recordDeadline, recordDeadline, recordDeadline)
    case "Reset":
      return sum(commandDeadline, discoverDeadline, recordDeadline, recordDeadline, recordDeadline) + orphan
    case "Orphans":
      return sum(discoverDeadline)
    case "Adopt":
      return adoption + orphan
    case "DestroyOrphan":
      return orphan
    default:
      return sum(commandDeadline)
  }
}

export const deadlines: Checker = make("deadlines kept", (complain) => {
  const calls = new Calls()
  const graces = new Map<InstanceId, Duration.Duration>()
  let acts = new Map<number, Act>()
  let config: LauncherConfig | undefined
  /** When the launcher began, or began to go. */
  let turnMillis = 0

  const within = (atMillis: number, nowMillis: number, most: number, what: string): void => {
    if (nowMillis - atMillis > most) complain(`${what} took ${nowMillis - atMillis} ms, and ${most} ms are allowed`)
  }

  const millis = (...names: ReadonlyArray<"adoptionWait" | "recordDeadline" | "deleteDeadline" | "stopDeadline">) =>
    config === undefined ?
      0 :
      names.map((name) => config?.[name] ?? Duration.zero).reduce((sum, each) => sum + Duration.toMillis(each), 0)

  return (entry, index) => {
    const call = calls.look(entry, index)
    switch (entry._tag) {
      case "Began":
        config = entry.config
        turnMillis = entry.atMillis
        acts = new Map()
        return
      case "Booted":
        return within(turnMillis, entry.atMillis, millis("adoptionWait") + longestCleanUpMillis, `to begin`)
      case "Crashed":
        turnMillis = entry.atMillis
        acts = new Map()
        return
      case "Closing":
        turnMillis = entry.atMillis
        return
      case "Closed":
      case "Buried":
        return within(
          turnMillis,
          entry.atMillis,
          millis("recordDeadline") + longestCleanUpMillis,
          `launcher ${entry.incarnation}'s end`
        )
      case "Recorded":
        graces.set(entry.id, entry.record.spec.stopGrace)
        return
      case "Answered":
        if (call !== undefined && config !== undefined) {
          const most = mostMillis(call.command, config)
          within(call.atMillis, entry.atMillis, most, `${call.command._tag} of ${call.id} (${entry.call})`)
        }
        return
      case "Abandoned":
        if (call?.abandoningMillis !== undefined) {
          const { command } = call
          // What is about the node may be in the middle of a write.
          const most = command._tag === "Start"
            ? millis("deleteDeadline", "stopDeadline")
            : isClearing(command) || command._tag === "Restore" || command._tag === "Adopt" ||
                command._tag === "Create"
            ? millis("recordDeadline", "recordDeadline")
            : 0
          within(
            call.abandoningMillis,
            entry.atMillis,
            most,
            `giving up the ${call.command._tag} of ${call.id} (${entry.call})`
          )
        }
        return
      case "Acting": {
        if (config === undefined) return
        const { act, atMillis, id, operation } = entry
        const deadline = deadlineOf(operation, config, graces.get(id) ?? Duration.zero)
        acts.set(act, { id, operation, atMillis, mostMillis: Duration.toMillis(deadline) + cleanUpMillis(operation) })
        return
      }
      case "Acted": {
        const act = acts.get(entry.act)
        acts.delete(entry.act)
        if (act !== undefined) within(act.atMillis, entry.atMillis, act.mostMillis, `${act.operation} of ${act.id}`)
        return
      }
      case "Settled":
        for (const { atMillis, id, mostMillis, operation } of acts.values()) {
          within(atMillis, entry.atMillis, mostMillis, `${operation} of ${id}, which goes on,`)
        }
        return
      default:
        return
    }
  }
})
