/** What every command comes to wherever it can meet an instance. */
import type { Tag } from "../../src/domain/InstanceState.ts"
import type { Code } from "../../src/launcher/LauncherError.ts"
import type { Command, Outcome, Place } from "./states.ts"

/**
 * What comes of a command, in words:
 * - `→ Running`: it succeeds, and then the instance is there.
 * - `ok`: it is answered, and changes nothing.
 * - `no_instance`: it is refused with that code, and changes nothing.
 * - `…, not the start`: as well, and who waited for a start gets `superseded`; in the same way of a stop.
 */
export type Cell = `→ ${Tag | "gone"}${"" | ", not the start" | ", not the stop"}` | Code | "ok"

type Row = Readonly<Record<Command, Cell>>

const read: Pick<Row, "stats" | "get"> = { stats: "ok", get: "ok" }

/** On the way to run, for a start that is waited for. */
const onItsWay: Row = {
  create: "→ Running",
  start: "→ Running",
  "start (other spec)": "instance_exists",
  stop: "→ Stopped, not the start",
  restart: "→ Running",
  delete: "→ gone, not the start",
  pause: "→ Paused",
  resume: "→ Running",
  attach: "→ Running",
  detach: "→ Running",
  stats: "instance_failure",
  get: "ok"
}

const there = (state: "Running" | "Paused"): Row => ({
  create: `→ ${state}`,
  start: `→ ${state}`,
  "start (other spec)": "instance_exists",
  stop: "→ Stopped",
  restart: "→ Running",
  delete: "→ gone",
  pause: "→ Paused",
  resume: "→ Running",
  attach: `→ ${state}`,
  detach: `→ ${state}`,
  ...read
})

const atRest = (state: "Stopped" | "Exited" | "Failed"): Row => ({
  create: `→ ${state}`,
  start: "→ Running",
  "start (other spec)": "instance_exists",
  stop: `→ ${state}`,
  restart: "→ Running",
  delete: "→ gone",
  pause: "instance_failure",
  resume: "instance_failure",
  attach: `→ ${state}`,
  detach: `→ ${state}`,
  stats: "instance_failure",
  get: "ok"
})

const notThere: Row = {
  create: "no_instance",
  start: "no_instance",
  "start (other spec)": "no_instance",
  stop: "no_instance",
  restart: "no_instance",
  delete: "no_instance",
  pause: "no_instance",
  resume: "no_instance",
  attach: "no_instance",
  detach: "no_instance",
  stats: "no_instance",
  get: "no_instance"
}

export const table: Readonly<Record<Place, Row>> = {
  Pending: onItsWay,
  Preparing: onItsWay,
  Starting: { ...onItsWay, stats: "ok" },
  Running: there("Running"),
  Paused: there("Paused"),
  Stopping: {
    ...atRest("Stopped"),
    delete: "→ gone, not the stop",
    stats: "ok"
  },
  Stopped: atRest("Stopped"),
  Exited: atRest("Exited"),
  // A start, or whatever needs a guest, does not wait until it would be restarted.
  Restarting: { ...there("Running"), stop: "→ Stopped", stats: "instance_failure" },
  Failed: atRest("Failed"),
  // What is asked for is on record, and is done when the guest can be reached.
  Unknown: {
    create: "→ Unknown",
    start: "timed_out",
    "start (other spec)": "instance_exists",
    stop: "timed_out",
    restart: "timed_out",
    delete: "timed_out",
    pause: "timed_out",
    resume: "timed_out",
    attach: "timed_out",
    detach: "timed_out",
    ...read
  },
  "(being deleted)": { ...notThere, delete: "→ gone", stats: "instance_failure", get: "ok" },
  "(none)": { ...notThere, create: "→ Stopped", start: "→ Running", "start (other spec)": "→ Running" }
}

/** What came of a command, in the words of the table. */
export const cellOf = (command: Command, { answer, end, underWay }: Outcome, place: Place): Cell => {
  if (answer !== "ok") return answer
  if (command === "stats" || command === "get") return "ok"
  const beaten = underWay === undefined || underWay === "ok"
    ? ""
    : place === "Stopping"
    ? ", not the stop"
    : ", not the start"
  return `→ ${end}${beaten}`
}
