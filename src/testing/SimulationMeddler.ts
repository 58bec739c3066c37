/**
 * What happens to the guests of a simulated node that no launcher has asked for: they power off, crash, reboot, fill their
 * disk; somebody cuts them off, or stops them, and puts that right later, or never.
 */
import { Effect } from "effect"
import type { SimulatedHost } from "../backend/simulation/SimulatedHost.ts"
import type { Dice } from "../internal/Dice.ts"
import type { Recorder } from "./Recorder.ts"

/** How long nothing happens, in milliseconds, at most. */
const pauseMillisMax = 12_000

export class SimulationMeddler {
  private readonly host: SimulatedHost
  private readonly dice: Dice
  private readonly recorder: Recorder

  constructor(options: { readonly host: SimulatedHost; readonly dice: Dice; readonly recorder: Recorder }) {
    this.host = options.host
    this.dice = options.dice
    this.recorder = options.recorder
  }

  /** Meddles until it is interrupted. */
  get run(): Effect.Effect<never> {
    return Effect.forever(Effect.suspend(() => {
      this.meddle()
      return Effect.sleep(this.dice.between(1, pauseMillisMax))
    }))
  }

  /** Every guest answers again, whatever kept it from that. */
  relent(): void {
    for (const { id } of this.host.guests) {
      this.host.restore(id)
      this.host.thaw(id)
    }
  }

  private meddle(): void {
    const { dice, host } = this
    if (dice.chance(0.2)) return this.relent()
    const { guests } = host
    const guest = guests[dice.below(Math.max(1, guests.length))]
    if (guest === undefined) return
    const { id } = guest
    const act = dice.one("powers off", "crashes", "panics", "reboots", "is severed", "is frozen", "fills its disk")
    this.recorder.line(`${id}: guest ${guest.pid} ${act}`)
    switch (act) {
      case "powers off":
        return host.powerOff(id)
      case "crashes":
        return host.crash(id, { _tag: "Killed", signal: dice.one("SIGKILL", "SIGSEGV") })
      case "panics":
        return host.panic(id)
      case "reboots":
        return host.reboot(id)
      case "is severed":
        return host.sever(id)
      case "is frozen":
        return host.freeze(id)
      case "fills its disk":
        if (!guest.paused) this.recorder.note({ _tag: "Held", id })
        return host.holdAtDiskFull(id)
    }
  }
}
