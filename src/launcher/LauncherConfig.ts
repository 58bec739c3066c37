/**
 * How long things may take, and how much there may be. Every wait of a launcher is one of these.
 */
import { Duration, Effect, Schema } from "effect"
import { Configured } from "./Limits.ts"

const count = (value: number) =>
  Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.withConstructorDefault(Effect.succeed(value)))

const millis = (value: number) =>
  Schema.DurationFromString.pipe(Schema.withConstructorDefault(Effect.succeed(Duration.millis(value))))

/** How a launcher is. Everything has a default. */
export const LauncherConfig = Schema.Struct({
  /** How long the caller of a command waits. What was asked for goes on. */
  commandDeadline: millis(15 * 60_000),
  /** One write of a record. */
  recordDeadline: millis(5_000),
  /** How long a record that could not be written waits to be written again. */
  recordRetry: millis(1_000),
  probeDeadline: millis(5_000),
  /** Includes the fetching of an image. */
  imageDeadline: millis(10 * 60_000),
  createDeadline: millis(60_000),
  launchDeadline: millis(30_000),
  /** From the launch until the guest has connected. */
  connectDeadline: millis(30_000),
  attachDeadline: millis(45_000),
  pauseDeadline: millis(10_000),
  /** What a stop may take beyond the grace of the spec. */
  stopDeadline: millis(20_000),
  deleteDeadline: millis(60_000),
  /** How long the first restart by an instance's policy waits. Each that follows waits twice as long. */
  restartDelay: millis(1_000),
  /** How long a restart waits at most. */
  restartDelayMax: millis(60_000),
  /** How often in a row an instance is started again before it is given up as failed, with `crash_loop`. */
  restartsMax: Schema.Natural.pipe(Schema.withConstructorDefault(Effect.succeed(10))),
  /** A guest that ran for so long was well: counting begins anew. */
  restartStable: millis(5 * 60_000),
  /** How many guests are probed at one time. */
  probesAtOnce: count(32),
  /** How long building the launcher waits for the instances it found to be settled. The others go on being adopted. */
  adoptionWait: millis(2_000),
  /** How many events are held: so far a slow follower may fall behind, and one that was away may come back. */
  eventsHeld: count(4_096),
  /** How much of the node its instances may take. */
  limits: Configured,
  /** How many instances are stopped and removed at one time when the node is evacuated or reset. */
  removalsAtOnce: count(16),
  /** One look for all guests of a virtualizer. */
  discoverDeadline: millis(30_000),
  /** One measuring of the node and all guests. What has not been told by then is not known. */
  statisticsDeadline: millis(5_000),
  /** How old what was measured may be when an instance is admitted or the node's status is asked for. */
  statisticsAge: millis(10_000),
  /** How many guests are measured at one time. */
  statisticsAtOnce: count(16)
})

export type LauncherConfig = typeof LauncherConfig.Type
