/**
 * What was compiled of a program, kept for its next start.
 */
import * as Fs from "node:fs"
import * as Module from "node:module"

/** Whether nobody but who runs this may write to a directory. */
const isOurs = (directory: string): boolean => {
  try {
    const { mode, uid } = Fs.statSync(directory)
    return uid === process.getuid?.() && (mode & 0o022) === 0
  } catch {
    return false
  }
}

/**
 * Keeps it in the first of these directories, if any: below its parent, which must be ours alone. Where others may write, a program
 * would run what they left there, as root where root runs it at a user's home.
 */
export const keep = (
  candidates: ReadonlyArray<{ readonly parent: string | undefined; readonly name: string }>
): void => {
  for (const { name, parent } of candidates) {
    if (parent === undefined) continue
    if (isOurs(parent)) Module.enableCompileCache(`${parent}/${name}`)
    return
  }
}
