/**
 * A follower of a guest that keeps what it is told.
 */
import type { Ended, Follower, GuestEvent } from "../../Virtualizer.ts"

export class Notes implements Follower {
  readonly events: Array<GuestEvent> = []
  readonly ends: Array<Ended> = []

  onEvent(event: GuestEvent): void {
    this.events.push(event)
  }

  onEnded(ended: Ended): void {
    this.ends.push(ended)
  }
}
