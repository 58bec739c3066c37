/**
 * The launchers of a test: each has a virtualizer of its own, made anew on the same host, and comes and goes as a process does.
 */
import { Context, Effect, Exit, Scope, Stream } from "effect"
import { InstanceId } from "../../domain/InstanceId.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import * as Network from "../../domain/Network.ts"
import type { Volume } from "../../domain/Volume.ts"
import type { BootConfig, FoundGuest, Guest, GuestStatus, Monitor, Virtualizer } from "../../Virtualizer.ts"
import type { VirtualizerError } from "../../VirtualizerError.ts"
import type { ConformanceClock } from "./ConformanceClock.ts"
import type { ConformanceFailure } from "./ConformanceFailure.ts"
import { ConformanceHost, type Kind } from "./ConformanceHost.ts"
import { comes, succeeds } from "./Contract.ts"

/** Makes a virtualizer anew on the host of a test. */
export class Launchers extends Context.Service<Launchers, {
  readonly open: Effect.Effect<Virtualizer, VirtualizerError, Scope.Scope>
}>()("vivarium/Launchers") {}

/** What a test runs in. */
export type Stage = ConformanceClock | ConformanceHost | Launchers | Scope.Scope

/** A step of a test. */
export type Act<A = void> = Effect.Effect<A, ConformanceFailure, Stage>

/** One launcher: a virtualizer, and how it is closed. */
export interface Launcher {
  readonly virtualizer: Virtualizer
  readonly scope: Scope.Closeable
  /** Closes it in an orderly way. */
  readonly close: Act
  /** Every guest that its virtualizer discovers, in the order of their ids. */
  readonly discovered: Act<ReadonlyArray<FoundGuest>>
}

/** A scope within another, and what closes it. */
const inner = Effect.fnUntraced(function*(what: string, outer: Scope.Scope) {
  const scope = yield* Scope.fork(outer)
  return { scope, close: Effect.asVoid(comes(`the closing of ${what}`, Scope.close(scope, Exit.void))) }
})

/** A launcher that begins. */
export const launcher: Act<Launcher> = Effect.gen(function*() {
  const { open } = yield* Launchers
  const { close, scope } = yield* inner("a launcher", yield* Effect.scope)
  const virtualizer = yield* succeeds("the making of a virtualizer", Scope.provide(open, scope))
  const discovered = Effect.map(
    succeeds("discover", Stream.runCollect(virtualizer.discover)),
    (found) => found.toSorted((a, b) => a.id < b.id ? -1 : 1)
  )
  return { virtualizer, scope, close, discovered }
})

/** The monitor of a guest, in a scope of its own. */
export interface Watched {
  readonly monitor: Monitor
  /** Its guest is connected, and has this status. */
  readonly connected: Act<GuestStatus>
  readonly close: Act
}

/** One instance, as a launcher holds it. */
export interface Subject {
  readonly id: InstanceId
  readonly spec: InstanceSpec
  readonly boot: BootConfig
  readonly guest: Guest
  readonly ensureBackingImage: Act
  readonly createImage: Act
  readonly start: Act
  /** Monitors the guest, until the watch or the launcher is closed. */
  readonly watch: Act<Watched>
  /** What there is of it on the host. */
  readonly remains: Act<ReadonlyArray<string>>
}

/** A launcher's hold on the instance of a spec. */
export const hold = Effect.fnUntraced(function*(
  { scope, virtualizer }: Launcher,
  spec: InstanceSpec,
  volumes: ReadonlyArray<Volume> = []
): Effect.fn.Return<Subject, ConformanceFailure, Stage> {
  const host = yield* ConformanceHost
  const { id } = spec
  const guest = yield* succeeds("make", Scope.provide(virtualizer.make(spec, host.directory(id)), scope))
  const boot: BootConfig = {
    volumes,
    networks: spec.nics.map((nic, index) => Network.connection(id, nic, index))
  }
  return {
    id,
    spec,
    boot,
    guest,
    ensureBackingImage: succeeds("ensureBackingImage", Stream.runDrain(guest.ensureBackingImage)),
    createImage: succeeds("createImage", guest.createImage(boot)),
    start: succeeds("start", guest.start(boot)),
    watch: Effect.gen(function*() {
      const { close, scope: watching } = yield* inner("a monitor", scope)
      const monitor = yield* succeeds("monitor", Scope.provide(guest.monitor, watching))
      return { monitor, close, connected: succeeds("connected", monitor.connected) }
    }),
    remains: host.remains(id)
  }
})

/** What an instance of a test is to be. */
export interface Wish {
  /** Default `obedient`. */
  readonly kind?: Kind
  /** Default `c0`. */
  readonly id?: string
  readonly volumes?: ReadonlyArray<Volume>
}

/** An instance of which there is nothing yet. */
export const absent = Effect.fnUntraced(function*(
  launcher: Launcher,
  { id = "c0", kind = "obedient", volumes = [] }: Wish = {}
): Effect.fn.Return<Subject, ConformanceFailure, Stage> {
  const host = yield* ConformanceHost
  return yield* hold(launcher, yield* host.spec(InstanceId.make(id), kind), volumes)
})

/** An instance that can be started. */
export const created = (launcher: Launcher, wish?: Wish): Act<Subject> =>
  Effect.tap(
    absent(launcher, wish),
    ({ createImage, ensureBackingImage }) => Effect.andThen(ensureBackingImage, createImage)
  )

/** An instance whose guest has been launched. */
export const launched = (launcher: Launcher, wish?: Wish): Act<Subject> =>
  Effect.tap(created(launcher, wish), ({ start }) => start)

/** An instance whose guest is connected and monitored. */
export const running = Effect.fnUntraced(function*(
  launcher: Launcher,
  wish?: Wish
): Effect.fn.Return<Subject & Watched, ConformanceFailure, Stage> {
  const subject = yield* launched(launcher, wish)
  const watched = yield* subject.watch
  yield* watched.connected
  return { ...subject, ...watched }
})
