/**
 * What goes wrong on a simulated host: each fault by its name, what it does, and how likely it is.
 *
 * Each is rolled on dice of its own, made of the host's seed: the same seed and the same calls meet the same faults, and making
 * one more or less likely does not move the others.
 */

/** What each fault does, when it strikes, and how it ends. */
export const faults = {
  slowImage: "An image takes 5 to 60 seconds longer to be there. Rolled for each fetch.",
  failingImage: "The fetch of an image fails half-way with ImageUnusable, and leaves nothing. Rolled for each fetch.",
  diskFull: "The fetch of an image or the making of a disk fails half-way with NoSpace, and leaves nothing. " +
    "Rolled for each of them.",
  failsBeforeSpawn: "A start fails with LaunchFailed, and nothing was launched. Rolled for each start.",
  failsAfterSpawn: "A start fails with LaunchFailed when its guest is there already; that guest is killed first. " +
    "Rolled for each start.",
  launchHangs:
    "A start launches its guest and does not return. After 15 seconds it fails with LaunchFailed and the guest " +
    "is killed; interrupted, too. Rolled for each start.",
  neverConnects:
    "A guest hangs in its boot: it never connects, answers no command but SIGKILL, and does not look at the " +
    "power button. It lasts until that guest ends. Rolled for each guest when it is launched.",
  connectsLate: "A guest takes 5 to 40 seconds longer to connect. Rolled for each guest when it is launched.",
  crashesStarting:
    "A guest ends by itself before it has connected: its start fails with LaunchFailed, or, if that had " +
    "returned, its monitor tells the end. Rolled for each guest when it is launched.",
  crashesRunning: "A guest ends by itself 1 to 60 seconds after it connected. Rolled for each guest when it connects.",
  crashesStopping: "A guest that is asked to end, by the power button or by quit, crashes instead. " +
    "Rolled for each guest when it is asked first.",
  losesControl:
    "The control channel of a guest breaks half a second to 30 seconds after it connected: its monitor ends as " +
    "Lost, another one fails with Unreachable, and the guest lives. It lasts until the guest ends or the channel is " +
    "restored. Rolled for each guest when it connects.",
  controlReturns: "A control channel that broke works again by itself, 1 to 30 seconds later. " +
    "Rolled whenever one breaks by losesControl.",
  ignoresPowerButton: "A guest never looks at the power button: quit or SIGKILL ends it. " +
    "Rolled for each guest when it is shown the button first.",
  ignoresQuit: "A guest does not end when it is told to quit: SIGKILL ends it. " +
    "Rolled for each guest when it is told so first.",
  freezes:
    "A guest stops answering half a second to 30 seconds after it connected. It answers no command and ignores the " +
    "power button; only SIGKILL ends it. Its monitor ends as Lost 10 to 20 seconds later. It lasts until the guest ends " +
    "or is thawed from outside. Rolled for each guest when it connects.",
  attachFails:
    "Attaching a volume fails half-way with AttachFailed. In one of two cases the guest has it all the same, as " +
    "its status says. Rolled for each attachment.",
  detachFails: "Detaching a volume fails with DetachFailed, and the guest still has it. Rolled for each detachment.",
  failingStats: "Reading what a guest uses fails with HostFailure. Rolled for each reading.",
  failingProbe: "A probe fails with Unreachable. Rolled for each probe.",
  failingDelete: "Removing an instance's image and disk fails with HostFailure, and removes nothing. " +
    "Rolled for each removal.",
  slowKill:
    "A guest takes 2 to 10 seconds to die of SIGKILL. Who waits for it gives up after 5 seconds with StillAlive; the " +
    "guest dies all the same. Rolled for each guest when it is killed first.",
  interruptedButDone:
    "An operation that is interrupted turns out to be done: the fetch of an image, the making or removal " +
    "of a disk, pause, resume, attach, detach. Never a start, which leaves no guest when it is interrupted. " +
    "Rolled for each interruption.",
  recordFails: "Writing a record fails, and what was recorded before stays. Struck by the simulated store.",
  recordSlow: "Writing a record takes long. Struck by the simulated store.",
  recordTorn: "A launcher that dies while a record is written leaves half of it. Struck by the simulated store."
} as const

/** The name of a fault. */
export type Fault = keyof typeof faults

/** How likely each fault is, from 0 to 1. One that is left out never strikes. */
export type Faults = Readonly<Partial<Record<Fault, number>>>

/** These faults, if there are such, each with a probability from 0 to 1; else it throws a `RangeError` that says what is wrong. */
export const check = (some: Faults): Faults => {
  for (const [name, probability] of Object.entries(some)) {
    if (!Object.hasOwn(faults, name)) {
      throw new RangeError(`there is no fault ${name}: there are ${Object.keys(faults).join(", ")}`)
    }
    if (!(probability >= 0 && probability <= 1)) {
      throw new RangeError(`the probability of ${name} is ${probability}: give one from 0 to 1`)
    }
  }
  return some
}

/** Nothing goes wrong. */
export const none: Faults = {}

/** A host on a bad day: everything happens, and most things work. */
export const standard: Faults = {
  slowImage: 0.1,
  failingImage: 0.05,
  diskFull: 0.03,
  failsBeforeSpawn: 0.05,
  failsAfterSpawn: 0.05,
  launchHangs: 0.02,
  neverConnects: 0.03,
  connectsLate: 0.1,
  crashesStarting: 0.05,
  crashesRunning: 0.1,
  crashesStopping: 0.05,
  losesControl: 0.08,
  controlReturns: 0.7,
  ignoresPowerButton: 0.1,
  ignoresQuit: 0.1,
  freezes: 0.03,
  attachFails: 0.1,
  detachFails: 0.1,
  failingStats: 0.05,
  failingProbe: 0.05,
  failingDelete: 0.05,
  slowKill: 0.1,
  interruptedButDone: 0.3,
  recordFails: 0.02,
  recordSlow: 0.05,
  recordTorn: 0.2
}

/** A host on which little works the first time; guests come to run all the same, to meet what can happen to them then. */
export const hostile: Faults = {
  slowImage: 0.3,
  failingImage: 0.1,
  diskFull: 0.05,
  failsBeforeSpawn: 0.1,
  failsAfterSpawn: 0.1,
  launchHangs: 0.05,
  neverConnects: 0.08,
  connectsLate: 0.2,
  crashesStarting: 0.1,
  crashesRunning: 0.4,
  crashesStopping: 0.2,
  losesControl: 0.3,
  controlReturns: 0.5,
  ignoresPowerButton: 0.3,
  ignoresQuit: 0.3,
  freezes: 0.1,
  attachFails: 0.4,
  detachFails: 0.3,
  failingStats: 0.3,
  failingProbe: 0.15,
  failingDelete: 0.2,
  slowKill: 0.3,
  interruptedButDone: 0.5,
  recordFails: 0.05,
  recordSlow: 0.2,
  recordTorn: 0.3
}
