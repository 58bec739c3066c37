/**
 * Small files, read synchronously: that takes some ten microseconds, where the four round trips through the thread pool that Node
 * makes otherwise take many times as long. With thousands of files it shows.
 */
import { Result } from "effect"
import * as Fs from "node:fs"
import * as SystemFailure from "./SystemFailure.ts"

/** Why a file could not be read. */
export interface Unread {
  readonly message: string
  /** Whether that lies in the file: it is none, or its place on the disk is bad. */
  readonly isOfFile: boolean
}

/** A pipe that nobody writes must not be waited for. */
const flags = Fs.constants.O_RDONLY | Fs.constants.O_NONBLOCK

const codesOfFile: ReadonlyArray<string> = ["EISDIR", "EIO", "ELOOP", "ENXIO"]

/** The text of a regular file. */
export const read = (path: string): Result.Result<string, Unread> => {
  let file: number | undefined
  try {
    file = Fs.openSync(path, flags)
    return Fs.fstatSync(file).isFile()
      ? Result.succeed(Fs.readFileSync(file, "utf8"))
      : Result.fail({ message: `${path} is not a regular file`, isOfFile: true })
  } catch (cause) {
    return Result.fail({
      message: SystemFailure.wordsOfCause(cause),
      isOfFile: codesOfFile.includes(SystemFailure.codeOfCause(cause) ?? "")
    })
  } finally {
    if (file !== undefined) Fs.closeSync(file)
  }
}
