/**
 * The calls that are open while a history is read. Where two calls overlap, either may have been first.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import { type Call, type Entry, idOf } from "../History.ts"

/** A call, from when it was called. */
export interface OpenCall {
  readonly call: number
  readonly command: Call
  /** The instance it is about; none for a list. */
  readonly id: InstanceId | undefined
  readonly incarnation: number
  /** The entry of the history that called it. */
  readonly index: number
  readonly atMillis: number
  /** When its client began to interrupt it. */
  abandoningMillis: number | undefined
}

const nobody: ReadonlySet<OpenCall> = new Set<OpenCall>([])

export class Calls {
  private readonly calls = new Map<number, OpenCall>()
  private readonly byId = new Map<InstanceId, Set<OpenCall>>()

  /** Takes an entry in. Answers the call that it is about, which is over then if the entry says so. */
  look(entry: Entry, index: number): OpenCall | undefined {
    switch (entry._tag) {
      case "Called": {
        const { atMillis, call, command, incarnation } = entry
        const id = idOf(command)
        const opened = { call, command, id, incarnation, index, atMillis, abandoningMillis: undefined }
        this.calls.set(call, opened)
        if (id !== undefined) this.byId.set(id, (this.byId.get(id) ?? new Set()).add(opened))
        return opened
      }
      case "Abandoning": {
        const opened = this.calls.get(entry.call)
        if (opened !== undefined) opened.abandoningMillis = entry.atMillis
        return opened
      }
      case "Answered":
      case "Abandoned": {
        const opened = this.calls.get(entry.call)
        if (opened !== undefined) this.close(opened)
        return opened
      }
      case "Crashed":
        // Nobody answers them any more.
        for (const opened of this.calls.values()) if (opened.incarnation === entry.incarnation) this.close(opened)
        return undefined
      default:
        return undefined
    }
  }

  /** The open calls of an instance. */
  of(id: InstanceId): ReadonlySet<OpenCall> {
    return this.byId.get(id) ?? nobody
  }

  /** All open calls. */
  get all(): Iterable<OpenCall> {
    return this.calls.values()
  }

  private close(opened: OpenCall): void {
    this.calls.delete(opened.call)
    if (opened.id !== undefined) this.byId.get(opened.id)?.delete(opened)
  }
}
