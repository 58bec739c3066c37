/**
 * Where a guest's files are, as a function of its instance's directory.
 */
import { createHash } from "node:crypto"
import type { QemuConfig } from "./QemuConfig.ts"

/** The longest path of a unix socket, in bytes (`sun_path` less its closing zero). */
const socketPathBytesMax = 107

/**
 * The paths of one guest. What only a launcher writes is in `path`, which the guest's user can search but not write;
 * what QEMU itself creates is in `run`, which belongs to that user. So nothing that a guest broke out into can make a
 * launcher that runs as root follow a link of its making.
 */
export interface QemuDirectory {
  /** The instance's directory. */
  readonly instance: string
  /** All of the guest's files, but for the sockets where these are elsewhere. */
  readonly path: string
  /** What QEMU creates: its pid file, its sockets, and the console's log. Read these with `GuestFile`. */
  readonly run: string
  /** Where the sockets are: `run`, or a short directory of their own. */
  readonly sockets: string
  readonly disk: string
  readonly seed: string
  readonly firmwareVariables: string
  readonly pidFile: string
  readonly qmpSocket: string
  readonly consoleSocket: string
  /** What the guest wrote to its console since it was launched last. */
  readonly consoleLog: string
  /** What QEMU had to say since it was launched last. */
  readonly qemuLog: string
  /** How the last guest ended. */
  readonly exit: string
}

/**
 * The paths of the guest whose instance has the directory `instance`. Socket paths that would be too long are in a
 * directory of `runtimeDirectory` that is named by a hash of the instance's, and so is the same after every restart.
 */
export const make = (config: Pick<QemuConfig, "runtimeDirectory">, instance: string): QemuDirectory => {
  const path = `${instance}/guest`
  const run = `${path}/run`
  const fits = Buffer.byteLength(`${run}/console.sock`) <= socketPathBytesMax
  const sockets = fits
    ? run
    : `${config.runtimeDirectory}/${createHash("sha256").update(instance).digest("hex").slice(0, 24)}`
  return {
    instance,
    path,
    run,
    sockets,
    disk: `${path}/disk.qcow2`,
    seed: `${path}/seed.iso`,
    firmwareVariables: `${path}/firmware-vars.fd`,
    pidFile: `${run}/qemu.pid`,
    qmpSocket: `${sockets}/qmp.sock`,
    consoleSocket: `${sockets}/console.sock`,
    consoleLog: `${run}/console.log`,
    qemuLog: `${path}/qemu.log`,
    exit: `${path}/exit.json`
  }
}
