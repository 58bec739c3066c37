/**
 * Who keeps a launcher running on a simulated node, as a service manager does: opens one, now and then closes it, and opens
 * the next when it has crashed.
 */
import { Cause, Clock, Deferred, Effect, Exit, type Scope } from "effect"
import type { Fence } from "../backend/simulation/Fence.ts"
import type { Dice } from "../internal/Dice.ts"
import type { LauncherConfig } from "../launcher/LauncherConfig.ts"
import { Signal } from "../launcher/Signal.ts"
import type { OpenLauncher } from "./OpenLauncher.ts"
import type { Recorder } from "./Recorder.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { follow } from "./SimulationFollower.ts"
import type { Census, Simulator } from "./Simulator.ts"

/** What an operator works with. */
export interface SimulationOperatorOptions {
  readonly node: SimulatedNode["Service"]
  readonly recorder: Recorder
  readonly dice: Dice
  readonly simulator: Simulator
  readonly config: LauncherConfig
}

/** What is left of a crashed launcher, in this process. */
interface Corpse {
  readonly incarnation: number
  readonly fence: Fence
  readonly census: Census
  readonly burial: Effect.Effect<void>
}

/** How long the rest of a dead launcher may take to go, in milliseconds: it has nothing to wait for. */
const burialMillisMax = 10_000

/** How long a slow follower may still read what a launcher told before it was closed. */
const readingSecondsMax = 120

/** How long a launcher is left alone before it is closed in good order, in milliseconds, at most. */
const tenureMillisMax = 240_000

export class SimulationOperator {
  crashes = 0
  closes = 0
  private readonly node: SimulatedNode["Service"]
  private readonly recorder: Recorder
  private readonly dice: Dice
  private readonly simulator: Simulator
  private readonly config: LauncherConfig
  private opening = Deferred.makeUnsafe<OpenLauncher>()
  private crashed = Deferred.makeUnsafe<void>()
  private readonly finishing = Deferred.makeUnsafe<void>()
  private census: Census
  private isCalm = false
  private readonly dead: Array<Corpse> = []
  private readonly died = new Signal()
  private followers = 0

  constructor(options: SimulationOperatorOptions) {
    this.node = options.node
    this.recorder = options.recorder
    this.dice = options.dice
    this.simulator = options.simulator
    this.config = options.config
    this.census = options.simulator.census()
  }

  /** The open launcher, or the next. */
  get opened(): Effect.Effect<OpenLauncher> {
    return Effect.suspend(() => Deferred.await(this.opening))
  }

  /** The launcher dies here and now, in the middle of whatever it does. Somebody else puts away what is left of it. */
  crash(): void {
    const { census, node } = this
    const { fence } = node
    if (fence === undefined) return
    const incarnation = node.disk.incarnations
    this.crashes++
    this.dead.push({ incarnation, fence, census, burial: node.crashUnsafe() })
    this.recorder.note({ _tag: "Crashed", incarnation })
    this.turnAway()
    this.died.raise()
    Deferred.doneUnsafe(this.crashed, Exit.void)
  }

  /** Says whether a launcher is closed only by {@link finish} from now on. */
  calm(is: boolean): void {
    this.isCalm = is
  }

  /** Asks for the launcher that is open, or being opened, to be closed, and none to be opened after it. */
  get finish(): Effect.Effect<void> {
    return Effect.asVoid(Deferred.succeed(this.finishing, undefined))
  }

  /** Keeps a launcher open until {@link finish}. Returns when it is closed, and nothing is left of any. */
  get run(): Effect.Effect<void, never, Scope.Scope> {
    const self = this
    return Effect.gen(function*() {
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(self.died.take, self.bury)))
      while (!Deferred.isDoneUnsafe(self.finishing)) {
        yield* self.turn
        yield* Effect.sleep(self.dice.below(1_000))
      }
      for (let second = 0; self.followers > 0 && second < readingSecondsMax; second++) yield* Effect.sleep("1 second")
      if (self.followers > 0) self.recorder.complain(`${self.followers} followers of closed launchers go on`)
      if (self.dead.length > 0) self.recorder.complain(`${self.dead.length} dead launchers go on`)
    })
  }

  /** Those who come from now on wait for the next launcher. */
  private turnAway(): void {
    if (Deferred.isDoneUnsafe(this.opening)) this.opening = Deferred.makeUnsafe()
  }

  private get bury(): Effect.Effect<void> {
    const self = this
    return Effect.gen(function*() {
      for (let corpse = self.dead[0]; corpse !== undefined; corpse = self.dead[0]) {
        const before = yield* Clock.currentTimeMillis
        yield* corpse.burial
        self.dead.shift()
        const millis = (yield* Clock.currentTimeMillis) - before
        if (millis > burialMillisMax) self.recorder.complain(`a dead launcher went on for ${millis} ms`)
        const { census: { fibers, sleepers }, fence: { refused }, incarnation } = corpse
        self.recorder.note({ _tag: "Buried", incarnation, refused, left: { fibers, timers: sleepers } })
      }
    })
  }

  /** The life of one launcher. */
  private get turn(): Effect.Effect<void, never, Scope.Scope> {
    const self = this
    return Effect.gen(function*() {
      const { node, recorder } = self
      const crashed = self.crashed = Deferred.makeUnsafe<void>()
      const census = self.census = self.simulator.census()
      const incarnation = node.disk.incarnations + 1
      recorder.note({ _tag: "Began", incarnation, config: self.config })
      const exit = yield* Effect.exit(Effect.provideContext(node.open(self.config), census.context))
      const { fence } = node
      if (Deferred.isDoneUnsafe(crashed)) return
      if (Exit.isFailure(exit) || fence === undefined) {
        recorder.complain(
          `no launcher could be opened: ${Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "no fence"}`
        )
        return
      }
      const opened = { launcher: exit.value, fence }
      yield* self.welcome(opened)
      yield* Effect.raceAllFirst([
        Deferred.await(crashed),
        Deferred.await(self.finishing),
        self.tenure()
      ])
      if (!fence.isUp) return
      self.turnAway()
      self.closes++
      recorder.note({ _tag: "Closing", incarnation })
      yield* node.close
      if (!fence.isUp) return
      const { fibers, sleepers } = census
      recorder.note({ _tag: "Closed", incarnation, left: { fibers, timers: sleepers } })
    })
  }

  private tenure(): Effect.Effect<void> {
    return Effect.andThen(
      Effect.sleep(this.dice.between(1, tenureMillisMax)),
      Effect.suspend(() => this.isCalm ? this.tenure() : Effect.void)
    )
  }

  /** A launcher is open: it is followed, and can be asked. */
  private welcome(opened: OpenLauncher): Effect.Effect<void, never, Scope.Scope> {
    const self = this
    return Effect.gen(function*() {
      const { fence, launcher } = opened
      const instances = yield* launcher.list
      if (!fence.isUp) return
      const { incarnation } = launcher
      const unreadable = self.node.disk.setAside.filter((one) => one.incarnation === incarnation).map(({ id }) => id)
      self.recorder.note({
        _tag: "Booted",
        incarnation,
        instances: instances.map(({ spec: { id }, state }) => ({ id, state })),
        unreadable
      })
      self.followers++
      yield* follow(opened, self.recorder, self.dice).pipe(
        Effect.ensuring(Effect.sync(() => self.followers--)),
        Effect.forkScoped
      )
      if (fence.isUp) Deferred.doneUnsafe(self.opening, Exit.succeed(opened))
    })
  }
}
