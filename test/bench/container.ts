/**
 * What our launcher costs over the bare HTTP of the engine, on an engine of the bench's own.
 */
import * as Fs from "node:fs"
import * as Http from "node:http"
import { ByteSize, Clock, Context, Deferred, Effect, Fiber, FileSystem, Layer, Schema, Stream } from "effect"
import { InstanceSpec } from "../../src/domain/InstanceSpec.ts"
import * as DockerEngine from "../host/docker/DockerEngine.ts"
import type * as EngineHttp from "../host/docker/EngineHttp.ts"
import * as TestImages from "../host/docker/TestImages.ts"
import * as Gate from "../host/Gate.ts"
import { tmpfs } from "../host/tmpfs.ts"
import * as Built from "./Built.ts"
import { median, row, timed } from "./Row.ts"
import { instanceId } from "./Workshop.ts"

const warmUps = 3

/** An engine with images, and a state directory. What the engine writes is in memory, and so is what we do. */
const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const stateDirectory = yield* fs.makeTempDirectoryScoped({ prefix: "vivarium-bench-" })
  yield* tmpfs(stateDirectory, "size=64m")
  const engine = yield* DockerEngine.make()
  yield* TestImages.load(engine)
  // What a container made by hand sees in place of an instance's volumes.
  const byHand = `${stateDirectory}/by-hand`
  yield* fs.makeDirectory(byHand)
  return { engine, byHand, node: Layer.fresh(Built.dockerNode(stateDirectory, engine.socket)) }
})

const spec = (number: number): InstanceSpec =>
  InstanceSpec.make({
    id: instanceId(number),
    virtualizer: "docker",
    memory: ByteSize.mebibytes(64),
    boot: { kind: "container", image: TestImages.reference("deaf"), command: ["sleep", "1000000"] }
  })

const Listed = Schema.Array(Schema.Struct({ Id: Schema.String }))
const Created = Schema.fromJsonString(Schema.Struct({ Id: Schema.String }))
const Running = Schema.Struct({ State: Schema.Struct({ Pid: Schema.Int }) })
/** As much of a container as makes another one like it. */
const Inspected = Schema.Struct({
  Config: Schema.Record(Schema.String, Schema.Unknown),
  HostConfig: Schema.Record(Schema.String, Schema.Unknown)
})

const containers = (http: EngineHttp.EngineHttp) =>
  Effect.map(http.read(Listed, "/containers/json?all=1"), (all) => all.map(({ Id }) => Id))

/** `container-start-overhead`: an accepted start to running, and the two calls that make and start the same container. */
export const startOverhead = Effect.gen(function*() {
  const { byHand: directory, engine: { http }, node } = yield* make
  const measure = Effect.gen(function*() {
    const launcher = yield* Built.Launcher.Launcher
    yield* launcher.start(spec(1))
    const [id = ""] = yield* containers(http)
    const { Config, HostConfig } = yield* http.read(Inspected, `/containers/${id}/json`)
    const Mounts = [{ Type: "bind", Source: directory, Target: "/volumes" }]
    const likeIt = { ...Config, HostConfig: { ...HostConfig, Mounts } }
    yield* launcher.delete(spec(1).id)

    const ours = Effect.gen(function*() {
      const { millis } = yield* timed(launcher.start(spec(1)))
      yield* launcher.delete(spec(1).id)
      return millis
    })
    const byHand = Effect.gen(function*() {
      const { millis } = yield* timed(Effect.gen(function*() {
        const text = yield* http.done("POST", "/containers/create?name=by-hand", likeIt)
        const { Id } = yield* Schema.decodeEffect(Created)(text)
        yield* http.done("POST", `/containers/${Id}/start`)
      }))
      yield* http.done("DELETE", "/containers/by-hand?force=1")
      return millis
    })
    const samples: { readonly ours: Array<number>; readonly byHand: Array<number> } = { ours: [], byHand: [] }
    for (let round = 0; round < warmUps + 30; round++) {
      const turns = [
        Effect.map(ours, (millis) => ({ side: samples.ours, millis })),
        Effect.map(byHand, (millis) => ({ side: samples.byHand, millis }))
      ]
      for (const { millis, side } of yield* Effect.all(round % 2 === 0 ? turns : turns.toReversed())) {
        if (round >= warmUps) side.push(millis)
      }
    }
    return samples
  })
  const { byHand, ours } = yield* Effect.provide(measure, node)
  return [
    row("container-start-overhead", "ratio", median(ours) / median(byHand), 1.05),
    row("container-start-overhead.ours", "ms", median(ours)),
    row("container-start-overhead.by-hand", "ms", median(byHand))
  ]
}).pipe(Effect.scoped)

/** When the engine tells a bare client that a container died. Asked before the next one does. */
const die = Effect.fnUntraced(function*(socketPath: string) {
  const clock = yield* Clock.Clock
  const now = () => clock.monotonicTimeNanosUnsafe()
  const told = yield* Deferred.make<bigint>()
  const filters = encodeURIComponent(JSON.stringify({ event: ["die"] }))
  yield* Effect.acquireRelease(
    Effect.callback<Http.ClientRequest>((resume) => {
      const request = Http.request({ socketPath, path: `/events?filters=${filters}` }, (response) => {
        response.once("data", () => Deferred.doneUnsafe(told, Effect.succeed(now())))
        response.on("error", () => undefined)
        resume(Effect.succeed(request))
      })
      request.end()
    }),
    (request) => Effect.sync(() => request.destroy())
  )
  return Deferred.await(told)
})

/** How a container is ended: its process is killed, past its engine, or the engine is told to kill it. */
type End = "byEngine" | "killed"

/** `container-exit-event`: how much later than a bare client our launcher's subscribers know that a container ended. */
export const exitEvent = Effect.gen(function*() {
  const { engine: { http, socket }, node } = yield* make
  const once = Effect.fnUntraced(function*(end: End) {
    const launcher = yield* Built.Launcher.Launcher
    yield* launcher.start(spec(1))
    const [id = ""] = yield* containers(http)
    const raw = yield* die(socket)
    const ours = yield* launcher.changes.pipe(
      Stream.filter((entry) =>
        entry._tag === "Event" && entry.event.change._tag === "StateChanged" &&
        entry.event.change.state._tag === "Exited"
      ),
      Stream.runHead,
      Effect.andThen(Clock.monotonicTimeNanos),
      Effect.forkScoped({ startImmediately: true })
    )
    if (end === "byEngine") yield* http.done("POST", `/containers/${id}/kill`)
    else {
      const { State } = yield* http.read(Running, `/containers/${id}/json`)
      yield* Gate.signal(State.Pid, "SIGKILL")
    }
    const late = Number((yield* Fiber.join(ours)) - (yield* raw)) / 1e6
    yield* launcher.delete(spec(1).id)
    return late
  }, Effect.scoped)
  const samples = (end: End) => Effect.forEach(Array.from({ length: warmUps + 20 }), () => once(end))
  const { byEngine, killed } = yield* Effect.provide(
    Effect.all({ killed: samples("killed"), byEngine: samples("byEngine") }),
    node
  )
  return [
    row("container-exit-event", "ms", median(killed.slice(warmUps)), 2),
    row("container-exit-event.by-engine", "ms", median(byEngine.slice(warmUps)))
  ]
}).pipe(Effect.scoped)

/** `adopt-20-containers`: a launcher's layer built over running containers; then as many bare inspects at once. */
export const adoptContainers = Effect.gen(function*() {
  const { engine: { http }, node } = yield* make
  const guests = 20
  yield* startAll(guests).pipe(Effect.provide(node))
  const ids = yield* containers(http)
  const adoptions: Array<number> = []
  const inspects: Array<number> = []
  for (let round = 0; round < warmUps + 21; round++) {
    const adoption = yield* Effect.scoped(Effect.gen(function*() {
      const { millis, value } = yield* timed(Layer.build(node))
      const states = (yield* Context.get(value, Built.Launcher.Launcher).list).map(({ state }) => state._tag)
      if (states.filter((state) => state === "Running").length !== guests) {
        return yield* Effect.die(`not adopted when the layer was built: ${states.join(" ")}`)
      }
      return millis
    }))
    const inspect = Effect.forEach(ids, (id) => http.done("GET", `/containers/${id}/json`), {
      concurrency: "unbounded",
      discard: true
    })
    const { millis } = yield* timed(inspect)
    if (round < warmUps) continue
    adoptions.push(adoption)
    inspects.push(millis)
  }
  return [
    row("adopt-20-containers", "ms", median(adoptions), 35),
    row("adopt-20-containers.raw-inspects", "ms", median(inspects))
  ]
}).pipe(Effect.scoped)

const startAll = (count: number) =>
  Effect.flatMap(
    Built.Launcher.Launcher,
    (launcher) =>
      Effect.forEach(Array.from({ length: count }), (_, index) => launcher.start(spec(index + 1)), {
        concurrency: 4,
        discard: true
      })
  )

/** How long what idles is watched. */
const idle = "30 seconds"

/** `watch-100-containers`: the processor time of each second that our process, and the engine, spend on idle containers. */
export const watchContainers = Effect.gen(function*() {
  const { engine, node } = yield* make
  yield* startAll(100).pipe(Effect.provide(node))
  const engineMillis = Effect.sync(() => processorMillis(engine.pid()))
  const ownMillis = Effect.sync(() => process.cpuUsage()).pipe(
    Effect.map(({ system, user }) => (system + user) / 1000)
  )
  /** Of our process and of the engine's, for each second. */
  const measure = Effect.gen(function*() {
    const before = [yield* ownMillis, yield* engineMillis]
    const { millis } = yield* timed(Effect.sleep(idle))
    const after = [yield* ownMillis, yield* engineMillis]
    return after.map((value, index) => (value - (before[index] ?? 0)) / (millis / 1000))
  })
  const [ownAlone = 0, engineAlone = 0] = yield* measure
  const [own = 0, engineWatched = 0] = yield* Effect.provide(Effect.andThen(Effect.sleep("2 seconds"), measure), node)
  return [
    row("watch-100-containers", "ms", own - ownAlone),
    row("watch-100-containers.engine", "ms", engineWatched - engineAlone)
  ]
}).pipe(Effect.scoped)

/** The processor time that a process has used so far: fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms. */
const processorMillis = (pid: number | undefined): number => {
  const text = Fs.readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return 10 * (Number(fields[11]) + Number(fields[12]))
}
