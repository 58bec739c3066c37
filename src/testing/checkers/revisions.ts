/**
 * The revisions of a record grow by one, so that no writer overwrites what it has not read.
 *
 * Excused is a write, or a removal, whose writer never heard that it was done, because it was interrupted: it goes on from
 * what it knows. It may also have removed it again, of which nothing is seen; then the next record is a first one.
 */
import type { InstanceId } from "../../domain/InstanceId.ts"
import { type Checker, make } from "../Checker.ts"

export const revisions: Checker = make("revisions grow by one", (complain) => {
  /** What is on disk, and what its writer takes for being there. */
  const known = new Map<InstanceId, { readonly there: number; readonly heard: number }>()

  return (entry) => {
    switch (entry._tag) {
      case "Began":
        for (const [id, { there }] of known) known.set(id, { there, heard: there })
        return
      case "Recorded": {
        const { id, isHeard = true, record: { revision } } = entry
        const { heard, there } = known.get(id) ?? { there: 0, heard: 0 }
        const isFirst = there === 0 && revision === 1
        if (!isFirst && revision !== heard + 1) complain(`${id}: revision ${revision} follows ${there}`)
        known.set(id, { there: revision, heard: isHeard ? revision : isFirst ? 0 : heard })
        return
      }
      case "Removed":
        if (entry.isHeard === false) known.set(entry.id, { there: 0, heard: known.get(entry.id)?.heard ?? 0 })
        else known.delete(entry.id)
        return
      case "SetAside":
        known.delete(entry.id)
        return
      default:
        return
    }
  }
})
