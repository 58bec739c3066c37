/**
 * Takes one step: the only place that has a virtualizer do something. It changes nothing of the loop; it returns what it
 * learned, or why it failed.
 */
import { Cause, Duration, Effect, Scope, type Semaphore, Stream } from "effect"
import { connection } from "../domain/Network.ts"
import type { Phase } from "../domain/Phase.ts"
import type { BootConfig, Follower, Guest, Monitor } from "../Virtualizer.ts"
import { fail, Unreachable, type VirtualizerError } from "../VirtualizerError.ts"
import { attempt } from "./Attempt.ts"
import type { Step } from "./Decision.ts"
import type { InstanceRecord } from "./InstanceRecord.ts"
import type { InstanceStore, StoreError } from "./InstanceStore.ts"
import type { LauncherConfig } from "./LauncherConfig.ts"
import type { FailureCode } from "./LauncherError.ts"
import type { Failure, Learned } from "./Learning.ts"
import type { Signal } from "./Signal.ts"
import type { VolumeResolver, VolumeUnresolved } from "./VolumeResolver.ts"

/** What every instance of a launcher works with. */
export interface Tools {
  readonly config: LauncherConfig
  readonly store: InstanceStore["Service"]
  readonly volumes: VolumeResolver["Service"]
  /** Bounds how many guests are probed at one time. */
  readonly probes: Semaphore.Semaphore
  /** The time that all waits are reckoned with. */
  readonly nowMillis: () => number
}

/** What a step works on. */
export interface Subject {
  readonly record: InstanceRecord
  readonly guest: Guest
  /** The monitor that the loop holds. */
  readonly monitor: Monitor | undefined
  /** Where a monitor that this step takes shall live: the loop keeps it or closes it. */
  readonly scope: Scope.Scope
  /** Who is told what happens to the guest of a monitor that this step takes, from its first moment on. */
  readonly follower: (monitor: Monitor) => Follower
  /** Raised when something may have made the step unwanted. */
  readonly signal: Signal
  /** Takes in what happened. Says whether the step is still wanted. */
  readonly look: Effect.Effect<boolean>
  /** Called with the monitor once it is connected. */
  readonly hold: (monitor: Monitor) => void
}

type StepError = VirtualizerError | VolumeUnresolved | StoreError

const done: Learned = { _tag: "Done" }

/**
 * Takes a step within its deadline, and interrupts itself when it is not wanted any more. Interrupting it undoes it, as far as the
 * virtualizer's contract says.
 */
export const perform = (step: Step, subject: Subject, tools: Tools): Effect.Effect<Learned, Failure> =>
  attempt(Effect.mapError(act(step, subject, tools), (error) => failureOf(step, error)), {
    deadline: deadlineOf(step, tools.config),
    late: (deadline) => late(step, deadline),
    signal: subject.signal,
    look: subject.look
  })

const act = (step: Step, subject: Subject, tools: Tools): Effect.Effect<Learned, StepError> => {
  const { guest, record } = subject
  switch (step._tag) {
    case "Idle":
    case "Forget":
      return Effect.succeed(done)
    case "Wait":
      return Effect.as(Effect.suspend(() => Effect.sleep(Math.max(1, step.untilMillis - tools.nowMillis()))), done)
    case "Probe":
      return tools.probes.withPermits(1)(Effect.map(guest.probe, (probe) => ({ _tag: "Probed", probe })))
    case "EnsureImage":
      return Effect.andThen(bootConfig(record, tools), Stream.runDrain(guest.ensureBackingImage)).pipe(Effect.as(done))
    case "CreateImage":
      return Effect.flatMap(bootConfig(record, tools), (boot) => guest.createImage(boot)).pipe(Effect.as(done))
    case "Launch":
      return Effect.flatMap(bootConfig(record, tools), (boot) => guest.start(boot)).pipe(Effect.as(done))
    case "Watch":
      return watch(subject)
    case "Pause":
      return withMonitor(subject, (monitor) => monitor.pause)
    case "Resume":
      return withMonitor(subject, (monitor) => monitor.resume)
    case "Attach":
      return withMonitor(
        subject,
        (monitor) => Effect.flatMap(tools.volumes.resolve(step.volume), (volume) => monitor.attachVolume(volume))
      )
    case "Detach":
      return withMonitor(subject, (monitor) => monitor.detachVolume(step.volume))
    case "Stop":
      return stop(subject, Duration.millis(step.graceMillis))
    case "DeleteImage":
      return Effect.andThen(guest.deleteImage, tools.store.removeDirectory(record.id)).pipe(Effect.as(done))
  }
}

/** What a guest shall have at its start: all volumes found, all interfaces connected. */
const bootConfig = ({ desired, id, spec }: InstanceRecord, tools: Tools): Effect.Effect<BootConfig, VolumeUnresolved> =>
  Effect.map(Effect.forEach(desired.volumes, tools.volumes.resolve), (volumes) => ({
    volumes,
    networks: spec.nics.map((nic, index) => connection(id, nic, index))
  }))

const watch = Effect.fnUntraced(function*({ follower, guest, hold, scope }: Subject) {
  const monitor = yield* Scope.provide(guest.monitor, scope)
  yield* Scope.provide(monitor.follow(follower(monitor)), scope)
  const first = yield* Effect.raceFirst(
    Effect.map(monitor.connected, (status): Learned => ({ _tag: "Connected", status })),
    Effect.map(monitor.ended, (ended): Learned => ({ _tag: "EndedMeanwhile", ended }))
  )
  if (first._tag === "EndedMeanwhile" && first.ended._tag === "Lost") {
    return yield* fail(new Unreachable({ detail: first.ended.cause }))
  }
  if (first._tag === "Connected") hold(monitor)
  return first
})

/** The decision only asks this of a guest that is watched; should it not be, that is no harm: it is looked at again. */
const withMonitor = <E>(
  { monitor }: Subject,
  use: (monitor: Monitor) => Effect.Effect<void, E>
): Effect.Effect<Learned, E> => monitor === undefined ? Effect.succeed(done) : Effect.as(use(monitor), done)

const stop = ({ guest, monitor }: Subject, grace: Duration.Duration): Effect.Effect<Learned, VirtualizerError> =>
  monitor === undefined
    ? Effect.as(guest.kill, done)
    : Effect.andThen(
      monitor.stop(grace),
      Effect.map(monitor.ended, (ended): Learned => ({ _tag: "EndedMeanwhile", ended }))
    )

const deadlineOf = (step: Step, config: LauncherConfig): Duration.Duration | undefined => {
  switch (step._tag) {
    case "Idle":
    case "Forget":
    case "Wait":
      return undefined
    case "Probe":
      return config.probeDeadline
    case "EnsureImage":
      return config.imageDeadline
    case "CreateImage":
      return config.createDeadline
    case "Launch":
      return config.launchDeadline
    case "Watch":
      return config.connectDeadline
    case "Pause":
    case "Resume":
      return config.pauseDeadline
    case "Attach":
    case "Detach":
      return config.attachDeadline
    case "Stop":
      return Duration.sum(Duration.millis(step.graceMillis), config.stopDeadline)
    case "DeleteImage":
      return config.deleteDeadline
  }
}

/** The phase of an instance's life that a step belongs to. */
export const phaseOf = (step: Step): Phase => {
  switch (step._tag) {
    case "EnsureImage":
      return "image"
    case "CreateImage":
      return "create"
    case "Launch":
      return "launch"
    case "Watch":
      return "connect"
    case "Attach":
      return "attach"
    case "Detach":
      return "detach"
    case "Stop":
      return "stop"
    case "DeleteImage":
    case "Forget":
      return "delete"
    case "Idle":
    case "Wait":
    case "Probe":
    case "Pause":
    case "Resume":
      return "run"
  }
}

/** A virtualizer that dies, or that interrupts itself, proves nothing of its guest. */
export const defect = (step: Step, cause: Cause.Cause<unknown>): Failure => ({
  phase: phaseOf(step),
  code: "instance_failure",
  guest: "silent",
  detail: `the virtualizer broke: ${Cause.pretty(cause)}`
})

/** A step took longer than it may: nothing is known of its guest. */
const late = (step: Step, deadline: Duration.Duration): Failure => {
  const phase = phaseOf(step)
  const detail = `${phase} took longer than ${Duration.toMillis(deadline)} ms`
  return { phase, code: codeOf(phase), guest: "silent", detail }
}

const failureOf = (step: Step, error: StepError): Failure => {
  const phase = phaseOf(step)
  const failure: Failure = { phase, code: codeOf(phase), guest: "unchanged", detail: error.message }
  if (error._tag === "VolumeUnresolved" && phase === "launch") return { ...failure, code: "image_failure" }
  if (error._tag !== "VirtualizerError") return failure
  switch (error.reason._tag) {
    case "NotSupported":
      return { ...failure, code: "not_supported" }
    case "ImageUnusable":
    case "PathRefused":
      return phase === "launch" ? { ...failure, code: "image_failure" } : failure
    case "NotRunning":
      return { ...failure, guest: "gone" }
    case "Unreachable":
      return { ...failure, guest: "silent" }
    default:
      return failure
  }
}

const codeOf = (phase: Phase): FailureCode => {
  switch (phase) {
    case "image":
    case "create":
      return "image_failure"
    case "network":
      return "network_failure"
    case "launch":
    case "connect":
      return "launch_failure"
    case "attach":
    case "detach":
      return "attach_failure"
    case "admit":
    case "run":
    case "stop":
    case "delete":
      return "instance_failure"
  }
}
