/**
 * What holds each sentence of the contract.
 */

/** A sentence of the contract, and what holds a virtualizer to it. */
export interface Held {
  readonly sentence: string
  /** Parts of the names of the tests that hold it; none where it asks nothing of a virtualizer, or nothing can hold it. */
  readonly tests: ReadonlyArray<string>
}

const held = (sentence: string, ...tests: readonly [string, ...ReadonlyArray<string>]): Held => ({ sentence, tests })

/** Sentences that say what something is, or what a launcher does. */
const told = (...sentences: ReadonlyArray<string>): ReadonlyArray<Held> =>
  sentences.map((sentence) => ({ sentence, tests: [] }))

/** Sentences about what not every host can be made to do: not to know what there is, or not to end a guest by SIGKILL. */
const unheld = told

export const sentences: ReadonlyArray<Held> = [
  ...told(
    "The contract between a launcher and one virtualisation technology.",
    "Who implements it needs to know nothing else.",
    "A launcher owns instances; for each it holds a {@link Guest}, which is how this technology runs one instance.",
    "The rules every implementation keeps:",
    "One virtualisation technology.",
    "A plain value: a node holds several.",
    "`directory` is an absolute path that belongs to this instance: the guest may keep there whatever it likes.",
    "The launcher creates nothing in it, and removes it when the instance is deleted, after {@link Guest.deleteImage}.",
    "The virtualizers of this node, by name.",
    "A guest that {@link Virtualizer.discover} found.",
    "What the launcher resolved for one boot.",
    "The volumes the guest shall have, resolved.",
    "The one a spec boots from is among them.",
    "One connection for each network interface of the spec, in their order.",
    "What there is of a guest.",
    "What runs for one instance.",
    "Methods and getters, no state of its own beyond its handle.",
    "The caller knows that none runs.",
    "What the guest uses now.",
    "The guest's console.",
    "The scoped handle on a running guest.",
    "Who is told what happens to a guest, in the very act: it notes that, and neither waits nor throws.",
    "Something happened to the guest.",
    "The end of a monitor: of its guest, proven, or of its control channel.",
    "What can happen to a running guest.",
    "What a running guest is and has.",
    "What a guest uses.",
    "A guest's console.",
    "One at a time."
  ),
  ...unheld(
    "Fails with `Unreachable` when it can not know; a launcher takes that for unknown and asks again later.",
    "Fails with `StillAlive`.",
    "Fails with `StillAlive` when even force did not help within the deadline."
  ),
  held(
    "The launcher calls the methods of one guest serially, one at a time, but for {@link Guest.stats} and " +
      "{@link Guest.console}, which may be used at any time; and those of different guests at once.",
    "stats answer while another operation",
    "the console's log is read while another operation",
    "two instances at once"
  ),
  held("It may interrupt any call at any point.", "is interrupted in each of its phases"),
  held(
    "- **Success commits, anything else rolls back.** A method that fails or is interrupted leaves the host as it found it, " +
      "or as if it had succeeded, and nothing in between: no half-written file, no process that nobody knows.",
    "is interrupted in each of its phases",
    "createImage without the image",
    "a launch that fails"
  ),
  held("When an interrupted method returns, its clean-up is done.", "is interrupted in each of its phases"),
  held(
    "- **Everything can be repeated.** A launcher may die at any moment and a new one begins by asking {@link Guest.probe}.",
    "a guest outlives its launcher",
    "is interrupted in each of its phases"
  ),
  held(
    "Doing again what is done succeeds and changes nothing, unless it says otherwise.",
    "ensureBackingImage tells",
    "createImage keeps",
    "deleteImage removes",
    "pause and resume can be repeated",
    "a volume is attached and detached"
  ),
  held(
    "- **Guests outlive launchers.** Closing a scope ends monitors, sockets and fibers, and never a guest.",
    "a guest outlives its launcher",
    "closing a monitor leaves",
    "every fiber"
  ),
  held(
    "- **Unknown is not exited.** `Exited` is said on proof only: the process is gone, or the engine says so.",
    "a control channel that breaks",
    "frozen fails in time"
  ),
  held(
    "- **No wait without an end.** Every wait on another process has a deadline or is interruptible.",
    "frozen fails in time",
    "frozen fail in time",
    "is interrupted in each of its phases"
  ),
  held("- All failures are {@link VirtualizerError}s.", "is not there answers"),
  held("A defect is a bug of the implementation.", "is not there answers"),
  held("What it can do.", "has a name and capabilities"),
  held(
    "What is not declared here fails with `NotSupported`, and changes nothing.",
    "make refuses",
    "that are not declared are refused",
    "a console that is not declared"
  ),
  held("Binds a spec to this technology.", "has a name and capabilities"),
  held("Looks at the spec only: it starts nothing, writes nothing and does not wait.", "make looks"),
  held("It may not exist yet.", "an instance that was never made"),
  held("Fails with `NotSupported` when this technology can not run such a spec.", "make refuses"),
  held(
    "Every guest of this node's state directory that is there now, whether a launcher has a record of it or not.",
    "discover tells every guest"
  ),
  held("Ends when all have been told.", "discover tells every guest"),
  held("Changes nothing.", "discover tells every guest"),
  // The tests of a technology where others can start a guest.
  ...unheld(
    "The instances whose guests are there, then those whose guests begin to run, whoever started them: a launcher looks at those " +
      "that it thinks at rest.",
    "May tell of one too often.",
    "Never ends.",
    "Left out where only launchers can start a guest."
  ),
  held(
    "Ends a discovered guest, verified: by force, without asking it.",
    "a guest that was discovered",
    "is destroyed too"
  ),
  held("Its files are left.", "a guest that was discovered"),
  held("Succeeds when it is gone already.", "a guest that was discovered"),
  held(
    "Removes every trace of an instance outside its directory by its id and its directory alone, for a launcher that has no " +
      "spec of it.",
    "discard removes every trace",
    "discard removes what is left",
    "discard leaves all other",
    "discard is interrupted"
  ),
  held(
    "Called only when no guest runs for it; succeeds when there is nothing to remove.",
    "discard of what is not there"
  ),
  held("The instance it runs for, as the guest itself says.", "discover tells every guest"),
  held(
    "The technology's own handle on it, such as a pid or a container id, for people.",
    "a guest outlives its launcher"
  ),
  held("- `Absent`: nothing outside the instance's directory, and no image.", "an instance that was never made"),
  held("- `ImageReady`: the backing image is there; the guest's own disk is not.", "ensureBackingImage tells"),
  held("- `Created`: all is there that a start needs, and no guest runs.", "createImage makes"),
  held("`lastExit` is how the last one ended, when known.", "a guest that powers itself off", "ended from outside"),
  held(
    "- `Running`: the guest is there (running, paused, or held at its end for its reason to be read).",
    "a start that has returned",
    "pause and resume can be repeated",
    "powered itself off while nobody watched"
  ),
  held("Finds out what is there, by asking the host and never from memory.", "ended while nobody watched"),
  held("Makes sure that what the instance boots from is there and sound.", "an image that is missing"),
  held("The stream reports progress and ends when it is.", "ensureBackingImage tells"),
  held("Interruption leaves nothing half-fetched.", "ensureBackingImage is interrupted"),
  held(
    "Fails with `ImageUnusable`, `PathRefused`, `NoSpace` or `HostFailure`.",
    "an image that is missing",
    "createImage without the image"
  ),
  held("Creates the guest's own disk, its cloud-init seed and whatever else a start needs.", "createImage makes"),
  held(
    "Undoes what it made when it fails or is interrupted.",
    "createImage without the image",
    "createImage is interrupted"
  ),
  held("Where a disk exists already it is kept: its data is the user's.", "createImage keeps"),
  held("Removes every trace of the instance outside its directory.", "deleteImage removes", "two instances at once"),
  held("Called only when no guest runs; succeeds when there is nothing to remove.", "deleteImage removes"),
  held("Launches the guest, so that it outlives this process.", "a guest that was launched and never watched"),
  held(
    "Returns when the guest is there; whether it connects is for {@link Guest.monitor} to find out.",
    "a start that has returned",
    "a guest that does not connect is watched"
  ),
  held("Interruption ends what was launched, verified.", "start is interrupted"),
  held(
    "Fails with `LaunchFailed`, `ImageUnusable`, `PathRefused`, `NoSpace` or `HostFailure`, and then no guest is left.",
    "a launch that fails",
    "a volume whose bytes are missing"
  ),
  held(
    "Watches the running guest, whoever launched it: adopting one is this same call.",
    "a guest outlives its launcher",
    "is adopted as paused",
    "volumes that were attached are known"
  ),
  held(
    "Returns as soon as the guest has been found; the watching lives in the scope, and ends with it, leaving the guest as it is.",
    "a guest that does not connect is watched",
    "closing a monitor leaves"
  ),
  held(
    "At most one monitor of a guest exists at a time: another is refused, and does not disturb it.",
    "at most one monitor"
  ),
  held(
    "Fails with `NotRunning` when there is no guest, `Unreachable` when there is one that does not answer or has a monitor.",
    "is not there answers",
    "a control channel that breaks",
    "frozen fails in time",
    "at most one monitor"
  ),
  held(
    "Ends the guest by force and returns when that is verified.",
    "kill needs no monitor",
    "kill ends a guest that is frozen",
    "kill is seen"
  ),
  held("Needs no monitor.", "kill needs no monitor", "whose control channel broke can be killed"),
  held("Succeeds when none runs.", "kill needs no monitor"),
  held("Never waits for the guest itself.", "stats never wait"),
  held("Fails with `NotRunning` or `HostFailure`.", "is not there answers"),
  held("Fails with `NotSupported` where there is none.", "a console that is not declared"),
  held("Its effects may be run by several fibers at once.", "stop by two fibers", "several fibers attach"),
  held(
    "Completes when the guest runs, with what it is and has then: it has been told to run, and its control channel answers.",
    "a life goes its way",
    "a guest has the volumes",
    "is adopted as paused"
  ),
  held("Waits for ever if it ends first.", "a guest that does not connect is watched"),
  held(
    "Completes once, when the guest ended, or when its control channel did, which proves nothing about the guest.",
    "a guest that powers itself off",
    "a guest that panics",
    "a control channel that breaks",
    "has been lost all the same"
  ),
  held(
    "Tells a follower what happens to the guest from now on, as it happens and in that order, until the scope closes or the monitor's does.",
    "pause and resume are told as events",
    "a reboot is told",
    "the end is told once"
  ),
  held("The end is told last, and at once to who comes after it.", "the end is told once"),
  held("The same that `ended` completes with.", "the end is told once"),
  held("Told once, and nothing after it.", "the end is told once"),
  held(
    "What the guest is and has at this moment, asked of it.",
    "pause and resume can be repeated",
    "a volume is attached"
  ),
  held("Fails with `Unreachable` or `NotRunning`.", "frozen fails in time", "is not there answers"),
  held(
    "Ends the guest: asks it, waits for `grace`, insists, then uses force.",
    "stop lets a guest that obeys",
    "stop waits for its grace",
    "stop without a grace",
    "stop of a guest that is frozen",
    "stop of a guest that is paused",
    "can be stopped"
  ),
  held("Returns when it is verified to be gone, and `ended` has completed.", "stop lets a guest that obeys"),
  held("Interruption leaves the guest asked: it may end later.", "stop that is interrupted", "stop is interrupted"),
  held(
    "Stops the guest's processors.",
    "pause and resume can be repeated",
    "pause and resume of a guest that has ended"
  ),
  held("Doing so again is no failure.", "pause and resume can be repeated"),
  held("Lets the guest's processors run again.", "pause and resume can be repeated"),
  held("Attaches a volume to the running guest.", "a volume is attached and detached"),
  held("Success if it has it already.", "a volume is attached and detached"),
  held(
    "What fails or is interrupted is rolled back, unless the guest does not let go of the volume at once: then it has it, and " +
      "its status says so.",
    "an attachment that fails",
    "attachVolume is interrupted"
  ),
  held(
    "Fails with `AttachFailed`, `ImageUnusable`, `PathRefused`, `Unreachable` or `NotRunning`.",
    "an attachment that fails",
    "which is told in time",
    "volumes of a guest that has ended"
  ),
  held("Detaches a volume.", "a volume is attached and detached", "launched with can be detached"),
  held("Success means that the guest let go of it and no process holds it open.", "a volume is attached and detached"),
  held("Success also if the guest does not have it.", "detachVolume of one"),
  held(
    "Fails with `DetachFailed`, `Unreachable` or `NotRunning`.",
    "which is told in time",
    "volumes of a guest that has ended"
  ),
  held("It rebooted.", "a reboot is told"),
  held("It did not end.", "a reboot is told"),
  held(
    "Its processors stopped: it was paused, or its virtualizer stopped it, for example on a full disk.",
    "pause and resume are told as events"
  ),
  held("An interactive connection.", "the console is connected to"),
  held("A value that is not known is absent.", "stats are plausible"),
  held("Physical memory, pages shared with other processes counted in proportion.", "stats are plausible"),
  held("Processor time used since the guest began.", "stats are plausible"),
  held("How long the guest has been there.", "stats are plausible"),
  held("Disk space that the instance's own disk takes up.", "stats are plausible"),
  held("Size of that disk as the guest sees it.", "stats are plausible"),
  held(
    "What the guest has written so far, then, with `follow`, what it goes on to write until its end.",
    "the console's log has what",
    "the console's log is followed"
  )
]
