/**
 * How long things take on a simulated host, where nothing goes wrong.
 */

/** What takes time, each with the range of milliseconds that {@link standard} draws from, both ends among them. */
export const standard = {
  /** Finding out what is there. */
  probe: [1, 20],
  /** Each quarter of an image. */
  image: [10, 200],
  /** Making a disk and a seed. */
  create: [5, 100],
  /** Removing what belongs to an instance. */
  delete: [2, 50],
  /** From the beginning of a start until the guest's process is there, and from then until the start returns. */
  launch: [5, 100],
  /** From when the process is there until the guest runs. */
  connect: [20, 500],
  /** Finding a guest, and taking hold of it. */
  monitor: [1, 20],
  /** One command, from its sending to its answer. */
  command: [1, 10],
  /** Plugging a volume in: until the guest has it, and from then until it is said to have it. Unplugging it. */
  hotplug: [5, 200],
  /** From when a guest sees the power button until it is off. */
  powerOff: [50, 3000],
  /** From when a guest is told to quit, or is killed, until it is gone. */
  end: [1, 30],
  /** Reading what a guest uses. */
  stats: [1, 5]
} as const satisfies Readonly<Record<string, readonly [leastMillis: number, mostMillis: number]>>

/** What takes time. */
export type Latency = keyof typeof standard

/** From how many milliseconds to how many each thing takes. What is left out takes no time, and then no timer either. */
export type Latencies = Readonly<Partial<Record<Latency, readonly [leastMillis: number, mostMillis: number]>>>

/** Everything happens at once, and nothing sleeps. For benchmarks, and for examples that no time shall pass in. */
export const none: Latencies = {}

/** How long is waited for something that does not happen, in milliseconds: as long as QEMU's virtualizer does by default. */
export const deadlineMillis = {
  /** For a launched guest to be there. */
  launch: 15_000,
  /** For a guest to take up a connection. */
  dial: 5_000,
  /** For the answer of a guest that does not answer. */
  command: 10_000,
  /** For a guest that was told to quit, and then for one that was killed. */
  kill: 5_000,
  /** How often a monitor makes sure that its guest still answers. */
  heartbeat: 10_000,
  /** How often the power button is pressed. */
  press: 2_000
} as const
