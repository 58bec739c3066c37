/**
 * What `viv` ends with. These numbers are stable: scripts switch on them.
 */

/** By what happened. Beside them, as every shell has it: 130 when interrupted, 141 when the reader of the output went away. */
export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  refused: 5,
  timedOut: 6,
  unreachable: 7
} as const

export type ExitCode = typeof ExitCode[keyof typeof ExitCode]

/** What each means, for `viv --help`. */
export const meanings: ReadonlyArray<readonly [code: number, meaning: string]> = [
  [ExitCode.done, "done"],
  [ExitCode.failed, "failed"],
  [ExitCode.usage, "usage: the command line is wrong"],
  [ExitCode.notFound, "not found"],
  [ExitCode.conflict, "conflict: it exists, or its state does not allow this"],
  [ExitCode.refused, "refused by admission: the node is full or in maintenance"],
  [ExitCode.timedOut, "timed out; what was asked for may go on"],
  [ExitCode.unreachable, "the daemon can not be reached"]
]

/** The codes of failures that a daemon answers with, beside `failed` for all others. */
const byCode: Readonly<Record<string, ExitCode>> = {
  no_instance: ExitCode.notFound,
  not_found: ExitCode.notFound,
  instance_exists: ExitCode.conflict,
  already_running: ExitCode.conflict,
  already_attached: ExitCode.conflict,
  instance_failure: ExitCode.conflict,
  state_failure: ExitCode.failed,
  superseded: ExitCode.conflict,
  full_cn: ExitCode.refused,
  node_maintenance: ExitCode.refused,
  timed_out: ExitCode.timedOut,
  launcher_closed: ExitCode.unreachable
}

/** What a failure that a daemon answered with ends `viv` with, by its code and the status of the answer. */
export const ofProblem = (code: string, status: number): ExitCode =>
  byCode[code] ?? (status === 404 ? ExitCode.notFound : status === 409 ? ExitCode.conflict : ExitCode.failed)

/** What several failures end `viv` with: their code where they agree, else `failed`. */
export const ofAll = (codes: ReadonlyArray<ExitCode>): ExitCode => {
  const [first = ExitCode.done, ...others] = codes
  return others.every((code) => code === first) ? first : ExitCode.failed
}
