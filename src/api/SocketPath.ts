/**
 * Where the daemon listens, and a client looks for it, when nobody says where.
 */

/** Who runs the program, and where. */
export interface Surroundings {
  readonly isRoot: boolean
  /** The state directory, where one was chosen: a daemon of its own. */
  readonly stateDirectory?: string | undefined
  /** `XDG_RUNTIME_DIR`. */
  readonly runtimeDirectory?: string | undefined
  /** `HOME`. */
  readonly home?: string | undefined
}

/** Where root's daemon keeps its state. */
const systemState = "/var/lib/vivarium"

/** Where the daemon of a user without privileges keeps its state, by the XDG base directories. */
export const stateDirectoryOf = ({ home, isRoot, stateDirectory }: Surroundings): string =>
  stateDirectory ?? (isRoot ? systemState : `${home ?? "/nonexistent"}/.local/state/vivarium`)

/**
 * The unix socket of a daemon: below the state directory where one was chosen, else `/run/vivarium/vivd.sock` for root, and
 * `$XDG_RUNTIME_DIR/vivarium/vivd.sock` for others, or below their state directory where there is no such variable.
 */
export const socketPathOf = (surroundings: Surroundings): string => {
  const { isRoot, runtimeDirectory, stateDirectory } = surroundings
  if (stateDirectory !== undefined) return `${stateDirectory}/vivd.sock`
  if (isRoot) return "/run/vivarium/vivd.sock"
  return runtimeDirectory === undefined
    ? `${stateDirectoryOf(surroundings)}/vivd.sock`
    : `${runtimeDirectory}/vivarium/vivd.sock`
}
