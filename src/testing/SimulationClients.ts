/**
 * The clients of a simulated node: they ask its launcher for random things at once, and some lose patience.
 */
import { Cause, Effect, Exit, Fiber, Stream } from "effect"
import type { SimulatedHost } from "../backend/simulation/SimulatedHost.ts"
import type { Dice } from "../internal/Dice.ts"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import type { Launcher } from "../launcher/Launcher.ts"
import type { LauncherError } from "../launcher/LauncherError.ts"
import type { Answer, Call } from "./History.ts"
import type { OpenLauncher } from "./OpenLauncher.ts"
import type { Recorder } from "./Recorder.ts"
import type { SimulatedDisk } from "./SimulatedDisk.ts"
import type { Seen, Workload } from "./Workload.ts"

/** What clients work with. */
export interface SimulationClientsOptions {
  readonly workload: Workload
  readonly recorder: Recorder
  readonly dice: Dice
  readonly host: SimulatedHost
  readonly disk: SimulatedDisk
  /** The open launcher, or the next. */
  readonly opened: Effect.Effect<OpenLauncher>
}

/** How likely a client does not wait for the answer. */
const impatience = 0.12

/** How likely a client repeats a command whose answer was lost in a crash. */
const insistence = 0.5

/**
 * How long a client waits between two commands, in milliseconds, at most: each for a while. Where it is short, commands meet;
 * where it is long, what hangs is left alone until its deadline.
 */
const paces = [50, 300, 300, 300, 3_000, 30_000] as const

/** For how many commands a pace is kept, and how long a client waits sometimes. */
const paceCommands = 40
const longPauseMillis = 5_000

export class SimulationClients {
  /** How many commands were asked for, but for an operator's. */
  asked = 0
  private calls = 0
  private pauseMillis: number = paces[1]
  private readonly workload: Workload
  private readonly recorder: Recorder
  private readonly dice: Dice
  private readonly host: SimulatedHost
  private readonly disk: SimulatedDisk
  private readonly opened: Effect.Effect<OpenLauncher>

  constructor(options: SimulationClientsOptions) {
    this.workload = options.workload
    this.recorder = options.recorder
    this.dice = options.dice
    this.host = options.host
    this.disk = options.disk
    this.opened = options.opened
  }

  /** So many clients ask for so many commands together. Returns when each has its answer. */
  run(clients: number, commands: number): Effect.Effect<void> {
    return Effect.forEach(
      Array.from({ length: clients }, (_, client) => client),
      (client) => this.client(client, commands),
      { concurrency: "unbounded", discard: true }
    )
  }

  private client(client: number, commands: number): Effect.Effect<void> {
    const self = this
    return Effect.gen(function*() {
      const { dice } = self
      while (self.asked < commands) {
        yield* Effect.sleep(dice.below(dice.chance(0.1) ? longPauseMillis : self.pauseMillis))
        const call = self.workload.draw(dice, self.seen)
        while (self.asked < commands && (yield* self.ask(client, call)) === "lost" && dice.chance(insistence));
      }
    })
  }

  /**
   * Asks for one thing, and says whether the answer was lost, because the launcher crashed. An operator waits for the answer;
   * others do not always.
   */
  ask(client: number, command: Call, isOperator = false): Effect.Effect<"heard" | "lost"> {
    const self = this
    return Effect.gen(function*() {
      const { dice, recorder } = self
      const call = ++self.calls
      if (!isOperator) self.asked++
      if (call % paceCommands === 0) self.pauseMillis = dice.one(...paces)
      let opened = yield* self.opened
      // It may have died since.
      while (!opened.fence.isUp) opened = yield* self.opened
      const { fence, launcher } = opened
      recorder.note({ _tag: "Called", call, client, incarnation: launcher.incarnation, command })
      const action = perform(launcher, command)
      const isPatient = isOperator || !dice.chance(impatience)
      const exit = isPatient
        ? yield* Effect.exit(action)
        : yield* impatiently(action, dice.below(dice.one(1, 50, 2_000, 20_000)), () => {
          if (fence.isUp) recorder.note({ _tag: "Abandoning", call })
        })
      // What a dead launcher says reaches nobody.
      if (!fence.isUp) {
        recorder.line(`lost (${call})`)
        return "lost"
      }
      self.hear(call, command, answerOf(exit, isPatient))
      return "heard"
    })
  }

  private get seen(): Seen {
    return {
      running: this.host.guests.map(({ id }) => id),
      volumesOf: (id) => this.disk.record(id)?.desired.volumes.map((volume) => volume.id) ?? []
    }
  }

  private hear(call: number, command: Call, answer: Answer | undefined): void {
    const { recorder } = this
    if (answer === undefined) return recorder.note({ _tag: "Abandoned", call })
    recorder.note({ _tag: "Answered", call, answer })
    if (!answer.ok || command._tag !== "Delete") return
    const { id } = command
    const { disk, host } = this
    const what = [
      ...host.remains(id),
      ...disk.directories.has(id) ? ["directory"] : [],
      ...disk.ids.includes(id) ? ["record"] : []
    ]
    recorder.note({ _tag: "Remains", id, what })
  }
}

/** Waits so long for an answer, then tells so and interrupts. What is answered all the same is heard. */
const impatiently = <A, E>(
  action: Effect.Effect<A, E>,
  millis: number,
  tell: () => void
): Effect.Effect<Exit.Exit<A, E>> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(action, { startImmediately: true })
    yield* Effect.raceFirst(Fiber.await(fiber), Effect.sleep(millis))
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return exit
    tell()
    yield* Fiber.interrupt(fiber)
    return yield* Fiber.await(fiber)
  })

/** The answer; nothing where the client did not wait for it. */
const answerOf = (exit: Exit.Exit<Answer, LauncherError>, isPatient: boolean): Answer | undefined => {
  if (Exit.isSuccess(exit)) return exit.value
  if (!isPatient && Cause.hasInterruptsOnly(exit.cause)) return undefined
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  return error === undefined
    ? { ok: false, code: "defect", detail: Cause.pretty(exit.cause) }
    : { ok: false, code: error.code, detail: error.message }
}

const perform = (launcher: Launcher["Service"], call: Call): Effect.Effect<Answer, LauncherError> => {
  const plain = (action: Effect.Effect<unknown, LauncherError>): Effect.Effect<Answer, LauncherError> =>
    Effect.as(action, { ok: true })
  const informed = (action: Effect.Effect<InstanceInfo, LauncherError>): Effect.Effect<Answer, LauncherError> =>
    Effect.map(action, (info) => ({ ok: true, info }))
  const removing = (removals: Launcher["Service"]["evacuate"]): Effect.Effect<Answer, LauncherError> =>
    Effect.map(Stream.runCollect(removals), (removals) => ({ ok: true, removals }))
  switch (call._tag) {
    case "Create":
      return informed(launcher.create(call.spec))
    case "Start":
      return informed(launcher.start(call.spec))
    case "Stop":
      return plain(launcher.stop(call.id))
    case "Restart":
      return plain(launcher.restart(call.id))
    case "Delete":
      return plain(launcher.delete(call.id))
    case "Pause":
      return plain(launcher.pause(call.id))
    case "Resume":
      return plain(launcher.resume(call.id))
    case "Attach":
      return plain(launcher.attach(call.id, call.volume))
    case "Detach":
      return plain(launcher.detach(call.id, call.volume))
    case "Get":
      return informed(launcher.get(call.id))
    case "List":
      return plain(launcher.list)
    case "Statistics":
      return Effect.map(launcher.statistics, (statistics) => ({ ok: true, statistics }))
    case "Orphans":
      return plain(launcher.orphans)
    case "Evacuate":
      return removing(launcher.evacuate)
    case "Reset":
      return removing(launcher.reset)
    case "Restore":
      return plain(launcher.restore)
    case "Adopt":
      return informed(launcher.adopt(call.spec))
    case "DestroyOrphan":
      return plain(launcher.destroyOrphan(call.id))
    case "Stats":
      return plain(launcher.stats(call.id))
  }
}
