/**
 * A host in memory that guests run on. It survives launchers, as a real one does: a launcher comes by
 * `SimulationVirtualizer.make(host, fence)` and dies by its fence. Time is the clock's at hand, chance is the seed's: with the same
 * seed, the same calls meet the same host.
 *
 * What a test sees of it and does to it here is seen and done from outside, past every launcher, in one synchronous act.
 */
import { Effect, type Scope } from "effect"
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { InstanceId } from "../../domain/InstanceId.ts"
import type { Volume, VolumeId } from "../../domain/Volume.ts"
import * as Conditions from "./Conditions.ts"
import { check, type Fault, type Faults } from "./Fault.ts"
import type { HostOccurrence } from "./HostOccurrence.ts"
import * as Latency from "./Latency.ts"
import { Machine } from "./Machine.ts"
import { Place } from "./Place.ts"
import { VolumeHolders } from "./VolumeHolders.ts"

/** How a host is. */
export interface SimulatedHostOptions {
  /** Decides which fault strikes when, and how long things take. */
  readonly seed: string | number
  /** How likely each fault is. Default none. */
  readonly faults?: Faults
  /** How long things take where nothing goes wrong. Default `standard`; with `none` everything happens at once. */
  readonly latencies?: "standard" | "none" | Latency.Latencies
}

/** A guest as it is seen from outside. */
export interface GuestView {
  readonly id: InstanceId
  readonly pid: number
  readonly paused: boolean
  readonly volumes: ReadonlyArray<VolumeId>
}

/** An operation that is under way on an instance. */
interface Operation {
  readonly name: string
}

export class SimulatedHost {
  /** The files that are not there, by their paths: an image or volume that is one of them fails with `ImageUnusable`. */
  readonly missing = new Set<string>()
  /** Chance and time here. For virtualizers. */
  readonly conditions: Conditions.Conditions
  readonly #places = new Map<InstanceId, Place>()
  /** The guests, in the order of their launch. */
  readonly #machines = new Set<Machine>()
  readonly #holders = new VolumeHolders()
  readonly #operations = new Map<InstanceId, Operation>()
  #pids = 0

  constructor(conditions: Conditions.Conditions) {
    this.conditions = conditions
  }

  /** How likely each fault is now. */
  get faults(): Faults {
    return this.conditions.faults
  }

  /**
   * Makes faults more or less likely from now on. What can not strike any more does not, also where it was about to; what has struck
   * lasts as its description says. Throws a `RangeError` where there is no such fault, or no such probability.
   */
  setFaults(faults: Faults): void {
    this.conditions.faults = check(faults)
  }

  /** Rolls the dice for a fault of the caller's own, such as those of a store: whether it strikes, which is counted and told. */
  strikes(fault: Fault, id?: InstanceId): boolean {
    return this.conditions.strikes(fault, id)
  }

  /** How often each fault has struck. */
  get struck(): ReadonlyMap<Fault, number> {
    return this.conditions.struck
  }

  /** What virtualizers were asked that they may never be asked, in words. */
  get violations(): ReadonlyArray<string> {
    return this.conditions.violations
  }

  /** Has everything told from now on that happens here, in the very act: the listener must not call back. */
  observe(listener: (occurrence: HostOccurrence) => void): void {
    this.conditions.observe(listener)
  }

  /** All guests that are there, in the order of their launch. */
  get guests(): ReadonlyArray<GuestView> {
    return Array.from(this.#machines, ({ id, isPaused, pid, volumes }) => ({
      id,
      pid,
      paused: isPaused,
      volumes: volumes.map((volume) => volume.id)
    }))
  }

  /**
   * What is left of an instance, in words: `image`, `partial image`, `disk`, `partial disk`, `seed`, `guest`, `control socket`. Empty
   * when nothing is. A partial one is what a launcher leaves that dies while it writes; the next operation on it that
   * writes sweeps it.
   */
  remains(id: InstanceId): ReadonlyArray<string> {
    return this.#places.get(id)?.remains ?? []
  }

  /** A guest powers itself off. Like all that happens to a guest here: nothing, when there is none. */
  powerOff(id: InstanceId): void {
    this.machine(id)?.powerOff()
  }

  /** A guest ends, in this way. */
  crash(id: InstanceId, status: ExitStatus): void {
    this.machine(id)?.end(status)
  }

  /** A guest's kernel panics, which ends it. */
  panic(id: InstanceId): void {
    this.crash(id, { _tag: "Panicked" })
  }

  /** A guest reboots. It does not end. */
  reboot(id: InstanceId): void {
    this.machine(id)?.reboot()
  }

  /** A guest's control channel breaks, and stays so until {@link restore}. */
  sever(id: InstanceId): void {
    this.machine(id)?.sever()
  }

  /** A guest's control channel works again, for who connects to it. */
  restore(id: InstanceId): void {
    this.machine(id)?.restore()
  }

  /** A guest stops answering, as by a SIGSTOP, until {@link thaw}. */
  freeze(id: InstanceId): void {
    this.machine(id)?.freeze()
  }

  /** A frozen guest goes on. */
  thaw(id: InstanceId): void {
    this.machine(id)?.thaw()
  }

  /** A guest is stopped by its virtualizer because a disk is full. It can be resumed. */
  holdAtDiskFull(id: InstanceId): void {
    this.machine(id)?.pause(true)
  }

  /**
   * The launcher died: nobody watches any more, no console is connected, and no operation is under way. What it was about to do stays in half. Its fence is to
   * be cut before.
   */
  launcherDied(): void {
    this.#operations.clear()
    for (const machine of this.#machines) {
      machine.watcher = undefined
      machine.terminals = []
    }
  }

  /** The guest of an instance. For virtualizers. */
  machine(id: InstanceId): Machine | undefined {
    return this.#places.get(id)?.machine
  }

  /** All guests. For virtualizers. */
  get machines(): ReadonlyArray<Machine> {
    return Array.from(this.#machines)
  }

  /** What there is of an instance. For virtualizers. */
  place(id: InstanceId): Place | undefined {
    return this.#places.get(id)
  }

  /** Where something of an instance is about to be put. For virtualizers. */
  claim(id: InstanceId): Place {
    const known = this.#places.get(id)
    if (known !== undefined) return known
    const place = new Place()
    this.#places.set(id, place)
    return place
  }

  /** Forgets a place where nothing is. For virtualizers. */
  tidy(id: InstanceId): void {
    if (this.#places.get(id)?.isEmpty === true) this.#places.delete(id)
  }

  /** An operation on an instance begins. For virtualizers. */
  begin(id: InstanceId, name: string): Operation {
    const before = this.#operations.get(id)
    if (before !== undefined) this.conditions.violate(`${name} of ${id} was asked for during ${before.name}`)
    const operation = { name }
    this.#operations.set(id, operation)
    return operation
  }

  /** An operation on an instance is over. For virtualizers. */
  finish(id: InstanceId, operation: Operation): void {
    if (this.#operations.get(id) === operation) this.#operations.delete(id)
  }

  /** The guest that has a volume which another one may therefore not have. For virtualizers. */
  rival(volume: Volume): Machine | undefined {
    return this.#holders.rival(volume)
  }

  /** Launches a guest. For virtualizers. */
  spawn(id: InstanceId, volumes: ReadonlyArray<Volume>, poweredOff: ExitStatus): Machine {
    const place = this.claim(id)
    const machine = new Machine({
      id,
      pid: ++this.#pids,
      volumes,
      poweredOff,
      onEnd: this.#bury
    }, this.conditions)
    place.machine = machine
    place.log = machine.log
    place.lastExit = undefined
    this.#machines.add(machine)
    for (const volume of volumes) this.#holders.add(volume, machine)
    this.conditions.tell({ _tag: "Spawned", id, pid: machine.pid })
    machine.boot()
    return machine
  }

  readonly #bury = (machine: Machine, status: ExitStatus): void => {
    const { id, volumes } = machine
    this.#machines.delete(machine)
    for (const volume of volumes) this.#holders.remove(volume.id, machine)
    const place = this.claim(id)
    place.machine = undefined
    place.lastExit = status
    this.tidy(id)
  }

  /** A guest gets a volume. For virtualizers. */
  attach(machine: Machine, volume: Volume): void {
    if (!machine.isThere || machine.has(volume.id)) return
    machine.volumes = [...machine.volumes, volume]
    this.#holders.add(volume, machine)
    this.conditions.tell({ _tag: "Attached", id: machine.id, volume: volume.id })
  }

  /** A guest lets go of a volume. For virtualizers. */
  detach(machine: Machine, volume: VolumeId): void {
    if (!machine.has(volume)) return
    machine.volumes = machine.volumes.filter(({ id }) => id !== volume)
    this.#holders.remove(volume, machine)
    this.conditions.tell({ _tag: "Detached", id: machine.id, volume })
  }
}

/** A host without guests, on the clock at hand. What goes on there goes on in the scope; its end stops that, and tells nobody. */
export const make = Effect.fnUntraced(function*(
  { faults = {}, latencies = "standard", seed }: SimulatedHostOptions
): Effect.fn.Return<SimulatedHost, never, Scope.Scope> {
  const ranges = latencies === "standard" ? Latency.standard : latencies === "none" ? Latency.none : latencies
  return new SimulatedHost(yield* Conditions.make({ seed, faults, latencies: ranges }))
})
