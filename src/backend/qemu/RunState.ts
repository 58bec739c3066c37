/**
 * What QEMU's run states mean: https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html (RunState).
 */

/** Whether a guest that has not ended is paused: its processors do not run, and it does nothing. One that sleeps wakes by itself. */
export const isPaused = (running: boolean, status: string): boolean => !running && status !== "suspended"
