/**
 * One simulated guest, from its launch to its end: the machine itself, which knows nothing of launchers.
 */
import type { Effect } from "effect"
import { type ExitStatus, format } from "../../domain/ExitStatus.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { Volume, VolumeId } from "../../domain/Volume.ts"
import type { GuestEvent, GuestStatus } from "../../Virtualizer.ts"
import type { Conditions } from "./Conditions.ts"
import { ConsoleLog } from "./ConsoleLog.ts"
import { deadlineMillis } from "./Latency.ts"
import { Onlookers } from "./Onlookers.ts"

/** Who watches a machine. */
export interface Watcher {
  /** Whether it watches no more: it has lost the machine, or its launcher died. */
  readonly isOver: boolean
  readonly onConnected: () => void
  readonly onEvent: (event: GuestEvent) => void
  readonly onExited: (status: ExitStatus) => void
  readonly onLost: (cause: string) => void
}

export interface MachineOptions {
  readonly id: InstanceId
  readonly pid: number
  readonly volumes: ReadonlyArray<Volume>
  /** How it ends when it powers off. */
  readonly poweredOff: ExitStatus
  /** Called when it has ended. */
  readonly onEnd: (machine: Machine, status: ExitStatus) => void
}

const killed: ExitStatus = { _tag: "Killed", signal: "SIGKILL" }
const panicked: ExitStatus = { _tag: "Panicked" }

export class Machine {
  readonly log = new ConsoleLog()
  readonly onlookers = new Onlookers()
  readonly bornMillis: number
  volumes: ReadonlyArray<Volume>
  /** How it ended. Absent while it is there. */
  status: ExitStatus | undefined
  isPaused = false
  /** Whether its processors have been told to run, and do. */
  isConnected = false
  /** Whether its control channel is broken. */
  isSevered = false
  isFrozen = false
  watcher: Watcher | undefined
  /** The connections to its console. The first one is served. */
  terminals: ReadonlyArray<unknown> = []
  readonly #conditions: Conditions
  readonly #options: MachineOptions
  #ignoresPowerButton: boolean | undefined
  #ignoresQuit: boolean | undefined
  #crashes: boolean | undefined
  /** Whether it has booted. */
  #isReady = false
  #isPoweringOff = false
  #isDying = false

  /** A machine that was just launched. It connects by and by; call {@link boot} once it is known to its host. */
  constructor(options: MachineOptions, conditions: Conditions) {
    this.#options = options
    this.#conditions = conditions
    this.bornMillis = conditions.nowMillis
    this.volumes = options.volumes
  }

  get id(): InstanceId {
    return this.#options.id
  }

  get pid(): number {
    return this.#options.pid
  }

  get isThere(): boolean {
    return this.status === undefined
  }

  /** Whether something can happen to it by itself. */
  get isAlive(): boolean {
    return this.isThere && !this.isFrozen
  }

  /** Whether it answers commands on its control channel. */
  get answers(): boolean {
    return this.isAlive && this.isConnected && !this.isSevered
  }

  get report(): GuestStatus {
    return { paused: this.isPaused, volumes: this.volumes.map(({ id }) => id) }
  }

  has(volume: VolumeId): boolean {
    return this.volumes.some(({ id }) => id === volume)
  }

  /** Waits until something is so. Interruptible. */
  until(isSo: () => boolean): Effect.Effect<boolean> {
    return this.onlookers.wait(() => isSo() || undefined)
  }

  /** Its boot begins. */
  boot(): void {
    const conditions = this.#conditions
    this.#write("boots")
    const late = conditions.strikes("connectsLate", this.id) ? this.#between("connectsLate", 5_000, 40_000) : 0
    const millis = conditions.delayMillis("connect") + late
    if (conditions.dooms("crashesStarting")) {
      const crashMillis = millis === 0 ? 0 : this.#between("crashesStarting", 0, millis - 1)
      conditions.strikeAfter(crashMillis, "crashesStarting", this, () => this.#crash())
    }
    if (!this.isThere || conditions.strikes("neverConnects", this.id)) return
    conditions.after(millis, () => {
      this.#isReady = true
      this.#connect()
    })
  }

  #connect(): void {
    if (!this.isAlive || !this.#isReady || this.isConnected) return
    const conditions = this.#conditions
    this.isConnected = true
    this.#tell("Connected", "runs")
    this.#reach()
    if (conditions.dooms("crashesRunning")) {
      const millis = this.#between("crashesRunning", 1_000, 60_000)
      conditions.strikeAfter(millis, "crashesRunning", this, () => this.#crash())
    }
    if (conditions.dooms("losesControl")) {
      const millis = this.#between("losesControl", 500, 30_000)
      conditions.strikeAfter(millis, "losesControl", this, () => this.#loseControl())
    }
    if (conditions.dooms("freezes")) {
      const millis = this.#between("freezes", 500, 30_000)
      conditions.strikeAfter(millis, "freezes", this, () => this.freeze())
    }
  }

  #loseControl(): void {
    this.sever()
    if (!this.#conditions.dooms("controlReturns")) return
    const millis = this.#between("controlReturns", 1_000, 30_000)
    this.#conditions.after(millis, () => {
      if (!this.isThere || !this.isSevered) return
      this.#conditions.strike("controlReturns", this.id)
      this.restore()
    })
  }

  /** Who watches can talk to it, if it answers. */
  #reach(): void {
    if (this.answers) this.watcher?.onConnected()
    this.onlookers.changed()
  }

  /** It ends. */
  end(status: ExitStatus): void {
    if (!this.isThere) return
    this.status = status
    this.#write(`ends: ${format(status)}`)
    this.log.end()
    this.#conditions.tell({ _tag: "Ended", id: this.id, pid: this.pid, status })
    this.#options.onEnd(this, status)
    this.watcher?.onExited(status)
    this.onlookers.changed()
  }

  /** It powers itself off. */
  powerOff(): void {
    this.end(this.#options.poweredOff)
  }

  #crash(): void {
    this.end(
      this.#conditions.dice("crash").one<ExitStatus>(
        panicked,
        { _tag: "Killed", signal: "SIGSEGV" },
        { _tag: "Unknown" }
      )
    )
  }

  /** Somebody presses its power button. It powers off if it runs by the time that this takes. */
  press(): void {
    if (!this.answers || this.#isPoweringOff) return
    const conditions = this.#conditions
    this.#ignoresPowerButton ??= conditions.strikes("ignoresPowerButton", this.id)
    if (this.#ignoresPowerButton) return
    this.#isPoweringOff = true
    this.#write("powers off")
    conditions.after(conditions.delayMillis("powerOff"), () => {
      this.#isPoweringOff = false
      if (this.isAlive && !this.isPaused) this.#obey(() => this.powerOff())
    })
  }

  /** Somebody tells it to end at once. */
  quit(): void {
    if (!this.answers) return
    const conditions = this.#conditions
    this.#ignoresQuit ??= conditions.strikes("ignoresQuit", this.id)
    if (this.#ignoresQuit) return
    conditions.after(conditions.delayMillis("end"), () => {
      if (this.isAlive) this.#obey(() => this.end({ _tag: "Quit" }))
    })
  }

  #obey(end: () => void): void {
    this.#crashes ??= this.#conditions.strikes("crashesStopping", this.id)
    return this.#crashes ? this.#crash() : end()
  }

  /** SIGKILL. */
  kill(): void {
    if (!this.isThere || this.#isDying) return
    this.#isDying = true
    const conditions = this.#conditions
    const millis = conditions.strikes("slowKill", this.id)
      ? this.#between("slowKill", 2_000, 10_000)
      : conditions.delayMillis("end")
    conditions.after(millis, () => this.end(killed))
  }

  /** Stops or resumes its processors. Nothing happens when they are so already. */
  pause(paused: boolean): void {
    if (!this.isThere || this.isPaused === paused) return
    this.isPaused = paused
    const event = paused ? "Paused" : "Resumed"
    this.#tell(event, paused ? "is paused" : "goes on")
    this.watcher?.onEvent({ _tag: event })
  }

  reboot(): void {
    if (!this.isThere) return
    this.#tell("Rebooted", "reboots")
    this.watcher?.onEvent({ _tag: "Rebooted" })
  }

  /** Its control channel breaks. */
  sever(): void {
    if (!this.isThere || this.isSevered) return
    this.isSevered = true
    this.#tell("Severed")
    this.watcher?.onLost("the control channel closed")
    this.onlookers.changed()
  }

  /** Its control channel works again, for who connects to it. */
  restore(): void {
    if (!this.isThere || !this.isSevered) return
    this.isSevered = false
    this.#tell("Restored")
    this.#reach()
  }

  /** It stops answering. Who watches it finds out by and by. */
  freeze(): void {
    if (!this.isThere || this.isFrozen) return
    this.isFrozen = true
    this.#tell("Frozen")
    const { watcher } = this
    const millis = deadlineMillis.heartbeat
    this.#conditions.after(this.#between("heartbeat", millis, 2 * millis), () => {
      if (this.isFrozen && this.watcher === watcher) watcher?.onLost("the guest does not answer")
    })
  }

  /** It answers again. */
  thaw(): void {
    if (!this.isThere || !this.isFrozen) return
    this.isFrozen = false
    this.#tell("Thawed")
    this.#connect()
    this.#reach()
  }

  #write(line: string): void {
    this.log.write(this.#conditions.nowMillis - this.bornMillis, line)
  }

  #between(purpose: string, least: number, most: number): number {
    return this.#conditions.dice(`time ${purpose}`).between(least, most)
  }

  #tell(
    _tag: "Connected" | "Paused" | "Resumed" | "Rebooted" | "Severed" | "Restored" | "Frozen" | "Thawed",
    line?: string
  ): void {
    if (line !== undefined) this.#write(line)
    this.#conditions.tell({ _tag, id: this.id, pid: this.pid })
  }
}
