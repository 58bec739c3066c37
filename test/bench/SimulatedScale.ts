/**
 * Many simulated instances on one launcher of the built package, on the real clock, where nothing takes time but the launcher's own
 * work. Each is a measurement for a process of its own.
 */
import { ByteSize, Context, Duration, Effect, Fiber, FileSystem, Layer, Stream } from "effect"
import { InstanceId } from "../../src/domain/InstanceId.ts"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import type { Launcher } from "../../src/launcher/Launcher.ts"
import { Virtualizers } from "../../src/Virtualizer.ts"
import * as Built from "./Built.ts"
import { median, timed } from "./Row.ts"

/** How many commands are under way at one time. */
const concurrency = 64

/** What the first of a process take longer for: their code is still being compiled. */
const warmUps = 3_000

const spec = (number: number): InstanceSpec =>
  InstanceSpec.make({
    id: InstanceId.make(`be9c4000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`),
    virtualizer: "simulation",
    boot: { kind: "image", path: "/images/disk.raw", format: "raw" },
    memory: ByteSize.mebibytes(96)
  })

const specs = (count: number): ReadonlyArray<InstanceSpec> =>
  Array.from({ length: count }, (_, index) => spec(index + 1))

const config = Built.LauncherConfig.LauncherConfig.make({ adoptionWait: Duration.minutes(5) })

const noVolumes = Layer.succeed(Built.VolumeResolver.VolumeResolver, {
  resolve: () => Effect.die("these instances have no volumes")
})

/** A node that has room for all of them. */
const node = Built.NodeResourcesFixed.layer({
  hostname: "simulated",
  memoryTotalBytes: 2 ** 50,
  memoryAvailableBytes: 2 ** 50,
  diskTotalBytes: 2 ** 50,
  diskAvailableBytes: 2 ** 50,
  loadAverage: 0,
  cpusOnline: 2 ** 20,
  descriptorsMax: 2 ** 30,
  nics: []
})

const host = Built.SimulationVirtualizer.layer({ seed: 1, latencies: "none" })

const launcher = Built.Launcher.layer(config).pipe(
  Layer.provide([Built.InstanceStoreMemory.layer(), noVolumes, node, host])
)

const forAll = <S, A, E, R>(all: ReadonlyArray<S>, act: (one: S) => Effect.Effect<A, E, R>) =>
  Effect.forEach(all, act, { concurrency, discard: true })

const startAll = (launcher: Launcher["Service"], specs: ReadonlyArray<InstanceSpec>) => forAll(specs, launcher.start)

const deleteAll = (launcher: Launcher["Service"], specs: ReadonlyArray<InstanceSpec>) =>
  forAll(specs, ({ id }) => launcher.delete(id))

const warmUp = Effect.fnUntraced(function*(launcher: Launcher["Service"]) {
  const some = specs(warmUps)
  yield* startAll(launcher, some)
  yield* deleteAll(launcher, some)
})

/** What each of `count` took, in microseconds: by the clock, and of this process's processor time, in which others have no part. */
const each = Effect.fnUntraced(function*<A, E, R>(count: number, effect: Effect.Effect<A, E, R>) {
  const before = process.cpuUsage()
  const { millis } = yield* timed(effect)
  const { system, user } = process.cpuUsage(before)
  return { micros: millis * 1_000 / count, cpuMicros: (user + system) / count }
})

type Each = Effect.Success<ReturnType<typeof each>>

const middle = (all: ReadonlyArray<Each>): Each => ({
  micros: median(all.map(({ micros }) => micros)),
  cpuMicros: median(all.map(({ cpuMicros }) => cpuMicros))
})

/** What each start and each delete of `count` instances takes. Small counts are repeated, for their median. */
export const starts = Effect.fnUntraced(function*(count: number) {
  const launcher = yield* Built.Launcher.Launcher
  const all = specs(count)
  yield* warmUp(launcher)
  const begun: Array<Each> = []
  const ended: Array<Each> = []
  for (let round = 0; round < Math.max(1, Math.min(9, 20_000 / count)); round++) {
    begun.push(yield* each(count, startAll(launcher, all)))
    yield* checkRunning(launcher, count)
    ended.push(yield* each(count, deleteAll(launcher, all)))
  }
  return { start: middle(begun), remove: middle(ended) }
}, Effect.provide(launcher))

const checkRunning = Effect.fnUntraced(function*(launcher: Launcher["Service"], count: number) {
  const running = (yield* launcher.list).filter(({ state }) => state._tag === "Running").length
  if (running !== count) return yield* Effect.die(`${running} of ${count} instances run`)
})

/** What is in use once all garbage is collected, and the pages that held it are given back. */
const usage = Effect.gen(function*() {
  const { gc } = globalThis
  if (gc === undefined) return yield* Effect.die("this needs node --expose-gc")
  // Several times, since the first frees what holds on to the rest.
  for (let round = 0; round < 4; round++) {
    gc({ type: "major", execution: "sync", flavor: "last-resort" })
    yield* Effect.sleep("50 millis")
  }
  return process.memoryUsage()
})

/** What each of `count` idle running instances takes of this process's memory. */
export const memory = Effect.fnUntraced(function*(count: number) {
  const launcher = yield* Built.Launcher.Launcher
  yield* warmUp(launcher)
  const before = yield* usage
  yield* forAll(Array.from({ length: count }, (_, index) => index + 1), (number) => launcher.start(spec(number)))
  const after = yield* usage
  yield* checkRunning(launcher, count)
  return { rssBytes: (after.rss - before.rss) / count, heapBytes: (after.heapUsed - before.heapUsed) / count }
}, Effect.provide(launcher))

/** Writes files as fast as it can: what a crash of the machine would leave of them is nobody's concern. */
const unsynced = Layer.effect(
  FileSystem.FileSystem,
  Effect.map(FileSystem.FileSystem, (fs) => ({
    ...fs,
    open: (...options: Parameters<typeof fs.open>) =>
      Effect.map(fs.open(...options), (file) => Object.create(file, { sync: { value: Effect.void } }))
  }))
)

const launcherOn = (directory: string) =>
  Built.Launcher.layer(config).pipe(Layer.provide([Built.InstanceStoreFile.layer(directory), noVolumes, node]))

/** Leaves the records of `count` running instances in a state directory. */
export const record = (directory: string, count: number) =>
  Effect.gen(function*() {
    yield* startAll(yield* Built.Launcher.Launcher, specs(count))
  }).pipe(Effect.provide(launcherOn(directory).pipe(Layer.provide([host, unsynced]))))

/** Guests as the launcher that left the records would have left them. */
const launchGuests = Effect.fnUntraced(function*(count: number) {
  const virtualizer = (yield* Virtualizers).get("simulation")
  if (virtualizer === undefined) return yield* Effect.die("there is no simulation")
  yield* forAll(specs(count), (spec) =>
    Effect.scoped(Effect.gen(function*() {
      const guest = yield* virtualizer.make(spec, "/nowhere")
      yield* Stream.runDrain(guest.ensureBackingImage)
      yield* guest.createImage({ volumes: [], networks: [] })
      yield* guest.start({ volumes: [], networks: [] })
    })))
})

/** How many milliseconds, by the clock and of processor time, a launcher takes to have hold of `count` running guests whose records it finds on disk. */
export const adoption = (directory: string, count: number, isSynced: boolean) =>
  Effect.gen(function*() {
    yield* launchGuests(count)
    return yield* Effect.scoped(Effect.gen(function*() {
      const before = process.cpuUsage()
      const { millis, value } = yield* timed(Layer.build(launcherOn(directory)))
      const { system, user } = process.cpuUsage(before)
      yield* checkRunning(Context.get(value, Built.Launcher.Launcher), count)
      return { millis, cpuMillis: (user + system) / 1_000 }
    })).pipe(isSynced ? (effect) => effect : Effect.provide(unsynced))
  }).pipe(Effect.provide(host))

/** How often what takes little time is measured. */
const reports = 21

/** A full report of so many running instances, and a command by itself and while a report is under way. */
export const report = (count: number) =>
  Effect.gen(function*() {
    const launcher = yield* Built.Launcher.Launcher
    const all = specs(count)
    yield* startAll(launcher, all)
    const found: Array<{ readonly report: number; readonly alone: number; readonly beside: number }> = []
    for (let round = 0; round < reports; round++) {
      const { id } = spec(round + 1)
      const alone = yield* timed(launcher.pause(id))
      const report = yield* timed(launcher.statistics)
      if (report.value.instances.length !== count) return yield* Effect.die("the report is not full")
      const under = yield* Effect.forkChild(launcher.statistics, { startImmediately: true })
      const beside = yield* timed(launcher.resume(id))
      yield* Fiber.join(under)
      found.push({ report: report.millis, alone: alone.millis, beside: beside.millis })
    }
    return {
      reportMillis: median(found.map(({ report }) => report)),
      delayMillis: median(found.map(({ alone, beside }) => beside - alone))
    }
  }).pipe(Effect.provide(launcher))
