/**
 * An instance never has two guests: each begins after the one before has ended, whichever launcher began it.
 */
import { type Checker, make } from "../Checker.ts"
import { Guests } from "./Guests.ts"

export const oneGuest: Checker = make("one guest for each instance", (complain) => {
  const guests = new Guests()
  return (entry) => {
    if (entry._tag === "Spawned") {
      for (const { pid } of guests.of(entry.id)) complain(`${entry.id}: guest ${entry.pid} begins beside guest ${pid}`)
    }
    guests.look(entry)
  }
})
