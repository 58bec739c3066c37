/**
 * How long things may take. Every wait of a launcher is one of these.
 */
import { Duration, Effect, Schema } from "effect"

const millis = (value: number) =>
  Schema.DurationFromString.pipe(Schema.withConstructorDefault(Effect.succeed(Duration.millis(value))))

/** The deadlines of a launcher. Each has a default. */
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
  /** How many guests are probed at one time. */
  probesAtOnce: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(32))),
  /** How long building the launcher waits for the instances it found to be settled. The others go on being adopted. */
  adoptionWait: millis(2_000),
  /** How many events a slow subscriber may fall behind. */
  eventsHeld: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(4_096)))
})

export type LauncherConfig = typeof LauncherConfig.Type
