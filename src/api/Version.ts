/**
 * Which Vivarium this is.
 */

/** The package's version. */
export const version = "0.1.0"

/** Says what is wrong with a Node that is too old for it, by its version. */
export const tooOld = (node: string): string | undefined => {
  const [major = 0, minor = 0] = node.split(".").map(Number)
  return major > 22 || (major === 22 && minor >= 19)
    ? undefined
    : `this is Node ${node}, and Vivarium ${version} needs 22.19 or newer: install that, or put it first on the PATH`
}
