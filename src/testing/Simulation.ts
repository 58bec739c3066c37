/**
 * A whole run: random commands from concurrent clients against launchers that crash and are closed, on a simulated host on which
 * everything can go wrong, on virtual time. Checkers judge all that happened. The same options give the same run.
 */
import { Cause, Duration, Effect, Exit, Fiber, Logger, Option, References } from "effect"
import * as Fault from "../backend/simulation/Fault.ts"
import { Dice } from "../internal/Dice.ts"
import { LauncherConfig } from "../launcher/LauncherConfig.ts"
import type { Violation } from "./Checker.ts"
import { checkers } from "./checkers/index.ts"
import type { History, SettledInstance } from "./History.ts"
import * as HostRecorder from "./HostRecorder.ts"
import { Operations } from "./ObservedVirtualizer.ts"
import { Recorder } from "./Recorder.ts"
import * as SimulatedNode from "./SimulatedNode.ts"
import { SimulationClients } from "./SimulationClients.ts"
import { SimulationMeddler } from "./SimulationMeddler.ts"
import { SimulationOperator } from "./SimulationOperator.ts"
import { Simulator } from "./Simulator.ts"
import { Workload } from "./Workload.ts"

/** What a run is like. */
export interface SimulationOptions {
  readonly seed: number
  /** How many commands are asked for. */
  readonly commands: number
  /** How many instances they are about. Default 8. */
  readonly instances?: number
  /** How many clients ask at once. Default 6. */
  readonly clients?: number
  /** How likely each fault is. Default {@link Fault.standard}. */
  readonly faults?: Fault.Faults
  /** As {@link SimulatorOptions} says. */
  readonly yieldBudget?: number
  /** How many steps lie between two crashes on average; 0 for no crash. Default 4000. */
  readonly crashMeanSteps?: number
  /** Called with each line of the trace. */
  readonly onLine?: (line: string) => void
  /** Another launcher than ours, and what it works with. */
  readonly node?: Pick<SimulatedNode.SimulatedNodeOptions, "makeLauncher" | "wrap">
}

/** What came of a run. */
export interface SimulationReport {
  readonly seed: number
  readonly commands: number
  /** How often each fault struck. */
  readonly faults: Readonly<Record<string, number>>
  /** How often a launcher crashed, and how often one was closed in good order. */
  readonly crashes: number
  readonly closes: number
  readonly virtualMillis: number
  readonly steps: number
  readonly violations: ReadonlyArray<Violation>
  /** Over all that happened. */
  readonly hash: string
  readonly history: History
}

/** How many commands there are between two times of calm: few enough that what a fault left is still there to be seen. */
const roundCommands = 250

/** How long it stays calm before all must be as desired: so long twice. */
const calm = "10 minutes"

/** How long the commands of a round may take together in virtual time: so many milliseconds each, after the first hour. */
const millisEach = 30_000

/**
 * Deadlines that are short enough to pass now and then, restarts that are few enough to be given up, and followers that are
 * slow enough to fall behind.
 */
const config = LauncherConfig.make({
  commandDeadline: Duration.minutes(3),
  recordDeadline: Duration.seconds(2),
  restartDelayMax: Duration.seconds(20),
  restartsMax: 3,
  restartStable: Duration.minutes(1),
  eventsHeld: 32
})

/** Runs to the end, and judges. */
export const run = (options: SimulationOptions): SimulationReport => {
  const simulator = new Simulator({ seed: `${options.seed}/steps`, yieldBudget: options.yieldBudget ?? 5 })
  const recorder = new Recorder({ nowMillis: () => simulator.nowMillis, onLine: options.onLine })
  const loud = Logger.make(({ cause, logLevel, message }) => {
    // What is logged with a cause is a bug of the launcher, and nothing else is.
    if (logLevel === "Error" && cause.reasons.length > 0) recorder.complain(`${String(message)} ${Cause.pretty(cause)}`)
  })
  const life = new Life(options, simulator, recorder)
  const exit = simulator.run(
    Effect.scoped(life.program).pipe(Effect.provideService(References.CurrentLoggers, new Set([loud])))
  )
  if (Exit.isFailure(exit)) recorder.complain(`the run itself failed: ${Cause.pretty(exit.cause)}`)
  const { fibers, runnable, sleepers } = simulator
  if (fibers + runnable + sleepers > 0) {
    recorder.complain(`${fibers} fibers, ${runnable} tasks and ${sleepers} timers are left of the run`)
  }
  return {
    seed: options.seed,
    commands: life.commands,
    faults: life.faults,
    crashes: life.crashes,
    closes: life.closes,
    virtualMillis: simulator.nowMillis,
    steps: simulator.steps,
    violations: [...recorder.complaints, ...checkers.flatMap((checker) => checker.check(recorder.history))],
    hash: recorder.hash,
    history: recorder.history
  }
}

/** One run, from its beginning to its end. */
class Life {
  commands = 0
  crashes = 0
  closes = 0
  faults: Record<string, number> = {}
  private readonly options: SimulationOptions
  private readonly simulator: Simulator
  private readonly recorder: Recorder
  private readonly dice: Dice

  constructor(options: SimulationOptions, simulator: Simulator, recorder: Recorder) {
    this.options = options
    this.simulator = simulator
    this.recorder = recorder
    this.dice = new Dice(options.seed)
  }

  get program() {
    const self = this
    return Effect.gen(function*() {
      const { dice, options: { clients = 6, commands, faults = Fault.standard, instances = 8 }, recorder } = self
      const node = yield* SimulatedNode.make({
        seed: self.options.seed,
        faults,
        ...self.options.node,
        wrap: self.wrap
      })
      HostRecorder.record(node.host, node.disk, recorder)
      const workload = new Workload(dice.for("workload"), instances)
      const operator = new SimulationOperator({
        node,
        recorder,
        config,
        simulator: self.simulator,
        dice: dice.for("operator")
      })
      const { disk, host } = node
      const asking = new SimulationClients({
        workload,
        recorder,
        host,
        disk,
        dice: dice.for("clients"),
        opened: operator.opened
      })
      const meddler = new SimulationMeddler({ host, recorder, dice: dice.for("meddler") })

      const operating = yield* Effect.forkScoped(operator.run)
      for (let asked = Math.min(roundCommands, commands); true; asked = Math.min(asked + roundCommands, commands)) {
        const meddling = yield* Effect.forkScoped(meddler.run)
        operator.calm(false)
        host.setFaults(faults)
        self.crashNowAndThen(operator, dice.for(`crashes ${asked}`))
        const done = yield* Effect.timeoutOption(asking.run(clients, asked), 3_600_000 + roundCommands * millisEach)
        if (Option.isNone(done)) recorder.complain("the clients are not done")

        self.simulator.onStep(undefined)
        yield* Fiber.interrupt(meddling)
        operator.calm(true)
        host.setFaults(Fault.none)
        meddler.relent()
        recorder.note({ _tag: "Calmed" })
        yield* Effect.sleep(calm)
        yield* self.sweep(node, workload, operator, asking)
        yield* Effect.sleep(calm)
        yield* self.settle(node, workload, operator)
        if (asked >= commands) break
      }
      yield* operator.finish
      yield* Fiber.join(operating)

      self.commands = asking.asked
      self.crashes = operator.crashes
      self.closes = operator.closes
      self.faults = Object.fromEntries([...host.struck].sort(([a], [b]) => a < b ? -1 : 1))
    })
  }

  /** The host and its launchers as they are seen from outside. */
  private get wrap() {
    const operations = new Operations((occurrence) => this.recorder.note(occurrence))
    const { wrap = (parts: SimulatedNode.LauncherParts) => parts } = this.options.node ?? {}
    return (parts: SimulatedNode.LauncherParts): SimulatedNode.LauncherParts => {
      const { fence, store, virtualizer } = wrap(parts)
      const isUp = () => fence.isUp
      return { fence, store, virtualizer: operations.observe(virtualizer, { incarnation: store.incarnation, isUp }) }
    }
  }

  /** Has launchers crash between two steps, sometimes one soon after the other. */
  private crashNowAndThen(operator: SimulationOperator, dice: Dice): void {
    const { crashMeanSteps = 4_000 } = this.options
    if (crashMeanSteps === 0) return
    const draw = () => 1 + dice.below(dice.chance(0.15) ? 150 : 2 * crashMeanSteps)
    let next = this.simulator.steps + draw()
    this.simulator.onStep((step) => {
      if (step < next) return
      next = step + draw()
      operator.crash()
    })
  }

  /** An operator puts the node back to service, and adopts or destroys what records that were set aside have left behind. */
  private sweep(
    { host }: SimulatedNode.SimulatedNode["Service"],
    { specs }: Workload,
    operator: SimulationOperator,
    clients: SimulationClients
  ) {
    return Effect.gen({ self: this }, function*() {
      const { launcher } = yield* operator.opened
      yield* clients.ask(0, { _tag: "Restore" }, true)
      for (const { guest, id } of yield* Effect.orElseSucceed(launcher.orphans, () => [])) {
        const spec = specs.find((spec) => spec.id === id)
        const volumes = host.guests.find((guest) => guest.id === id)?.volumes.map((id) => ({ id })) ?? []
        const isAdopted = guest !== undefined && spec !== undefined && this.dice.for("sweep").chance(0.5)
        if (isAdopted) yield* clients.ask(0, { _tag: "Adopt", spec: { ...spec, volumes } }, true)
        // Also where the spec did not fit, because of a volume or a name that others have.
        yield* clients.ask(0, { _tag: "DestroyOrphan", id }, true)
      }
      yield* clients.ask(0, { _tag: "Statistics" }, true)
    })
  }

  /** Looks at everything, long after the last command. */
  private settle(
    { disk, host }: SimulatedNode.SimulatedNode["Service"],
    { ids }: Workload,
    operator: SimulationOperator
  ) {
    return Effect.gen({ self: this }, function*() {
      const { launcher } = yield* operator.opened
      const infos = yield* launcher.list
      const instances = ids.map((id): SettledInstance => {
        const guest = host.guests.find((guest) => guest.id === id)
        return {
          id,
          record: disk.record(id),
          info: infos.find(({ spec }) => spec.id === id),
          guest: guest === undefined
            ? undefined
            : { pid: guest.pid, paused: guest.paused, volumes: guest.volumes },
          remains: host.remains(id)
        }
      })
      this.recorder.note({ _tag: "Settled", instances })
    })
  }
}
