/**
 * How long things may take, and how much there may be. Every wait of a launcher is one of these.
 */
import { Duration, Effect, Schema } from "effect"
import { Configured } from "./Limits.ts"

const count = (value: number) =>
  Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.withConstructorDefault(Effect.succeed(value)))

const longestMillis = 365 * 86_400_000

const between = (leastMillis: number, value: number) =>
  Schema.DurationFromString.check(
    Schema.makeFilter((duration: Duration.Duration) => {
      const millis = Duration.toMillis(duration)
      return (millis >= leastMillis && millis <= longestMillis) ||
        `must be from ${leastMillis === 0 ? "0" : `${leastMillis} ms`} to 365 days, such as 10 seconds`
    })
  ).pipe(Schema.withConstructorDefault(Effect.succeed(Duration.millis(value))))

/** What may take no time at all. */
const millis = (value: number) => between(0, value)

/** What without time could not be done at all. */
const deadline = (value: number) => between(1, value)

/** How a launcher is. Everything has a default. */
export const LauncherConfig = Schema.Struct({
  /** How long the caller of a command waits. What was asked for goes on. */
  commandDeadline: deadline(15 * 60_000),
  /** One write of a record. */
  recordDeadline: deadline(5_000),
  /** How long a record that could not be written waits to be written again. */
  recordRetry: deadline(1_000),
  probeDeadline: deadline(5_000),
  /** Includes the fetching of an image. */
  imageDeadline: deadline(10 * 60_000),
  createDeadline: deadline(60_000),
  launchDeadline: deadline(30_000),
  /** From the launch until the guest has connected. */
  connectDeadline: deadline(30_000),
  attachDeadline: deadline(45_000),
  pauseDeadline: deadline(10_000),
  /** What a stop may take beyond the grace of the spec. */
  stopDeadline: deadline(20_000),
  deleteDeadline: deadline(60_000),
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
  discoverDeadline: deadline(30_000),
  /** One measuring of the node and all guests. What has not been told by then is not known. */
  statisticsDeadline: deadline(5_000),
  /** What one guest may take to tell what it uses. One that takes longer is asked after all others the next time. */
  guestStatisticsDeadline: deadline(1_000),
  /** How old what was measured may be when an instance is admitted or the node's status is asked for. */
  statisticsAge: millis(10_000),
  /** How many guests are measured at one time. */
  statisticsAtOnce: count(16)
})

export type LauncherConfig = typeof LauncherConfig.Type
