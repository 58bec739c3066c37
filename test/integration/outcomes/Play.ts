/**
 * Plays a sequence on a node, and tells what came of each act: what its caller is told, and what there is then.
 */
import { Cause, Effect, Exit, Fiber, Option, Schedule, Stream } from "effect"
import type { InstanceId } from "../../../src/domain/InstanceId.ts"
import type { InstanceState } from "../../../src/domain/InstanceState.ts"
import type { InstanceRecord } from "../../../src/launcher/InstanceRecord.ts"
import type { InstanceInfo } from "../../../src/domain/InstanceInfo.ts"
import type { Launcher } from "../../../src/launcher/Launcher.ts"
import type { LauncherError } from "../../../src/launcher/LauncherError.ts"
import type { Gate } from "../../host/Gate.ts"
import { type Act, format, instances, type Interference, type Request } from "./Act.ts"
import type { World } from "./World.ts"

/** What came of an act, in words. */
export interface Outcome {
  readonly act: string
  readonly answers: ReadonlyArray<string>
  /** What a launcher shows, has on record, and the host has, when all has come to rest. */
  readonly afterwards: ReadonlyArray<string>
  /** Why what failed did, in the words of each world, which need not be the same. */
  readonly why: ReadonlyArray<string>
}

/** Longer than any deadline of these nodes that an act can have to wait for. */
const patience = "60 seconds"

/** The states in which nothing is under way, for what is wanted. */
const restful: Readonly<Record<InstanceRecord["desired"]["power"], ReadonlyArray<InstanceState["_tag"]>>> = {
  running: ["Running"],
  paused: ["Paused"],
  stopped: ["Stopped", "Exited", "Failed"],
  deleted: []
}

const stateWords = (state: InstanceState): string => {
  switch (state._tag) {
    case "Exited":
      return `Exited(${state.status._tag})`
    case "Failed":
      return `Failed(${state.phase}, ${state.reason})`
    default:
      return state._tag
  }
}

const infoWords = ({ starts, state, volumes }: InstanceInfo): string =>
  [stateWords(state), `starts ${starts}`, ...volumes.map(({ id, readOnly }) => readOnly === true ? `${id}:ro` : id)]
    .join(" ")

/** What is wanted, and how the last guest ended. */
const recordWords = ({ desired, ended }: InstanceRecord): string => {
  const wanted = `${desired.power} ${desired.epoch}`
  if (ended === null) return wanted
  const { epoch, outcome } = ended
  const how = outcome._tag === "Failed" ? outcome.phase : Object.values(outcome.status).join(" ")
  return `${wanted}, ${epoch} ${outcome._tag} ${how}`
}

/** What is told of something, once that has come to an end. */
const exitWords = (exit: Exit.Exit<string, LauncherError>): string =>
  Exit.match(exit, {
    onSuccess: (text) => text,
    onFailure: (cause) =>
      Option.match(Exit.findErrorOption(exit), {
        onSome: ({ code }) => code,
        onNone: () => Exit.hasInterrupts(exit) ? "interrupted" : `died: ${Cause.pretty(cause)}`
      })
  })

class Player {
  readonly #world: World
  #launcher: Launcher["Service"]

  constructor(world: World, launcher: Launcher["Service"]) {
    this.#world = world
    this.#launcher = launcher
  }

  #info(id: InstanceId): Effect.Effect<InstanceInfo | undefined> {
    return Effect.map(this.#launcher.list, (all) => all.find(({ spec }) => spec.id === id))
  }

  #ask(request: Request): Effect.Effect<string, LauncherError> {
    const launcher = this.#launcher
    switch (request._tag) {
      case "start": {
        const spec = this.#world.spec(request.id)
        return Effect.map(launcher.start(request.other ? { ...spec, vcpus: 2 } : spec), infoWords)
      }
      case "get":
        return Effect.map(launcher.get(request.id), infoWords)
      case "attach": {
        const { id, readOnly, volume } = request
        return Effect.as(launcher.attach(id, readOnly ? { id: volume, readOnly } : { id: volume }), "done")
      }
      case "detach":
        return Effect.as(launcher.detach(request.id, request.volume), "done")
      default:
        return Effect.as(launcher[request._tag](request.id), "done")
    }
  }

  #reopen(between: Effect.Effect<void> = Effect.void): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      yield* this.#world.close
      yield* between
      this.#launcher = yield* Effect.orDie(this.#world.open)
    })
  }

  /** Something happens from outside to a guest that runs; then the launcher knows of it. */
  #outside(act: "powerOff" | "panic" | "reboot" | "kill", id: InstanceId): Effect.Effect<string> {
    return Effect.gen({ self: this }, function*() {
      const before = yield* this.#info(id)
      const isThere = before?.state._tag === "Running" || (before?.state._tag === "Paused" && act === "kill")
      if (!isThere) return "nothing"
      yield* this.#world[act](id)
      if (act !== "reboot") yield* this.#until(id, (info) => info?.state._tag !== before.state._tag)
      return "done"
    })
  }

  #until(id: InstanceId, isSo: (info: InstanceInfo | undefined) => boolean): Effect.Effect<void> {
    return Effect.asVoid(Effect.repeat(this.#info(id), { until: isSo, schedule: Schedule.spaced("3 millis") }))
  }

  /** The second is asked for when the first is held, and nobody is let go before that is taken. */
  #pair({ first, point, second }: Extract<Act, { readonly _tag: "pair" }>): Effect.Effect<ReadonlyArray<string>> {
    return Effect.gen({ self: this }, function*() {
      const gate = this.#world.holds.hold(point, first.id)
      const one = yield* Effect.forkChild(this.#ask(first), { startImmediately: true })
      // It may have nothing to do there.
      const isHeld = yield* Effect.raceFirst(
        Effect.as(gate.reached, true),
        Effect.as(Fiber.await(one), false)
      )
      const other = yield* Effect.forkChild(this.#second(second, one, gate), { startImmediately: true })
      if (isHeld) yield* this.#taken(first, other)
      yield* gate.open
      const answers = [yield* Fiber.await(one), yield* Fiber.await(other)]
      return [isHeld ? "held" : "not held", ...answers.map(exitWords)]
    })
  }

  #second(
    second: Request | Interference,
    first: Fiber.Fiber<unknown, unknown>,
    gate: Gate
  ): Effect.Effect<string, LauncherError> {
    switch (second._tag) {
      case "interrupt":
        return Effect.as(Fiber.interrupt(first), "done")
      case "close":
        // The next launcher is not held.
        return Effect.as(this.#reopen(gate.open), "done")
      default:
        return this.#ask(second)
    }
  }

  /**
   * Waits until a command has changed what is wanted, and has had the time to have what is held interrupted, if it does; or
   * until it is over; or, where it only joins, as long as that takes at most.
   */
  #taken(first: Request, other: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      const before = JSON.stringify((yield* this.#world.record(first.id))?.desired)
      const { holds } = this.#world
      const changed = Effect.repeat(this.#world.record(first.id), {
        until: (record) => JSON.stringify(record?.desired) !== before,
        schedule: Schedule.spaced("3 millis")
      })
      const interrupted = Effect.repeat(Effect.sync(() => holds.held), {
        until: (held) => held === 0,
        schedule: Schedule.spaced("3 millis")
      })
      yield* Effect.raceFirst(
        Fiber.await(other),
        Effect.andThen(changed, Effect.timeoutOption(interrupted, "500 millis"))
      ).pipe(Effect.timeoutOption("1 second"))
    })
  }

  act(act: Act): Effect.Effect<ReadonlyArray<string>> {
    switch (act._tag) {
      case "pair":
        return this.#pair(act)
      case "list":
        return Effect.map(this.#launcher.list, (all) => all.map((info) => `${info.spec.id} ${infoWords(info)}`))
      case "reopen":
        return Effect.as(this.#reopen(), ["done"])
      case "powerOff":
      case "panic":
      case "reboot":
      case "kill":
        return Effect.map(this.#outside(act._tag, act.id), (text) => [text])
      default:
        return Effect.map(Effect.exit(this.#ask(act)), (exit) => [exitWords(exit)])
    }
  }

  #isAtRest(id: InstanceId): Effect.Effect<boolean> {
    return Effect.gen({ self: this }, function*() {
      const info = yield* this.#info(id)
      const record = yield* this.#world.record(id)
      return info === undefined || record === undefined
        ? info === record
        : restful[record.desired.power].includes(info.state._tag)
    })
  }

  /** Waits until nothing is under way: neither in a launcher's eyes, nor on the host. */
  #rest(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      for (const id of instances) {
        yield* Effect.repeat(this.#isAtRest(id), {
          until: (isAtRest) => isAtRest,
          schedule: Schedule.spaced("3 millis")
        })
        const info = yield* this.#info(id)
        if (info?.state._tag === "Running") yield* this.#world.booted(id)
        const wanted = info === undefined || (info.state._tag !== "Running" && info.state._tag !== "Paused")
          ? undefined
          : info.volumes.map((volume) => volume.id).toSorted().join()
        yield* Effect.repeat(this.#world.guests, {
          until: (guests) =>
            this.#world.holds.underWay === 0 && guests.find((guest) => guest.id === id)?.volumes.join() === wanted,
          schedule: Schedule.spaced("3 millis")
        }).pipe(Effect.timeoutOption("5 seconds"))
      }
    })
  }

  get why(): Effect.Effect<ReadonlyArray<string>> {
    return Effect.map(
      this.#launcher.list,
      (all) =>
        all.flatMap(({ state }) =>
          state._tag === "Failed" ? [state.detail] : state._tag === "Unknown" ? [state.why] : []
        )
    )
  }

  get afterwards(): Effect.Effect<ReadonlyArray<string>> {
    return Effect.gen({ self: this }, function*() {
      yield* this.#rest()
      const guests = yield* this.#world.guests
      return yield* Effect.forEach(instances, (id) =>
        Effect.gen({ self: this }, function*() {
          const info = yield* this.#info(id)
          const record = yield* this.#world.record(id)
          const seen = guests.filter((guest) => guest.id === id)
          const left = yield* this.#world.isLeft(id)
          return [
            `${id}: ${info === undefined ? "unknown" : infoWords(info)}`,
            `record ${record === undefined ? "none" : recordWords(record)}`,
            `guests ${seen.map(({ volumes }) => `[${volumes.join(" ")}]`).join(" ") || "none"}`,
            left ? "files" : "no files"
          ].join("; ")
        }))
    })
  }
}

/** Plays acts on a new node, one after the other, and tells what came of each as soon as it has. */
export const play = (world: World, acts: ReadonlyArray<Act>): Stream.Stream<Outcome> =>
  Stream.unwrap(Effect.map(Effect.orDie(world.open), (launcher) => {
    const player = new Player(world, launcher)
    return Stream.fromIterable(acts).pipe(
      Stream.mapEffect((act) =>
        Effect.gen(function*() {
          const answers = yield* Effect.timeoutOrElse(player.act(act), {
            duration: patience,
            orElse: () => Effect.succeed([`no answer within ${patience}`])
          })
          const afterwards = yield* Effect.timeoutOrElse(player.afterwards, {
            duration: patience,
            orElse: () => Effect.succeed([`no rest within ${patience}`])
          })
          return { act: format(act), answers, afterwards, why: yield* player.why }
        })
      )
    )
  }))
