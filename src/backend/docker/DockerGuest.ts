/**
 * The guest of one instance: a container of its engine.
 */
import { Effect, type Scope } from "effect"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import * as Containers from "../../docker/Containers.ts"
import type { BootConfig, Guest, GuestStats, Monitor, Probe } from "../../Virtualizer.ts"
import { fail, LaunchFailed, NotRunning, type VirtualizerError } from "../../VirtualizerError.ts"
import type { ContainerBoot } from "./ContainerRequest.ts"
import { exitStatus, isRunning, isUnbegun } from "./ContainerState.ts"
import { DockerConsole } from "./DockerConsole.ts"
import * as DockerContainer from "./DockerContainer.ts"
import type { DockerHost, Services } from "./DockerHost.ts"
import * as DockerMonitor from "./DockerMonitor.ts"
import * as DockerStats from "./DockerStats.ts"
import * as DockerVolumes from "./DockerVolumes.ts"
import * as EngineTrouble from "./EngineTrouble.ts"

/** That there is none; one that was made, or started, just now, by its id; or nothing. */
type Known =
  | { readonly _tag: "Absent" | "Nothing" }
  | { readonly _tag: "Made" | "Started"; readonly container: string }

const unknown: Known = { _tag: "Nothing" }

class DockerGuest implements Guest {
  readonly #host: DockerHost
  readonly #spec: InstanceSpec
  readonly #source: ContainerBoot
  /** What is known of the container from the step before, of which the next one makes use: no one else makes or starts it. */
  #known: Known = unknown

  constructor(host: DockerHost, spec: InstanceSpec, source: ContainerBoot) {
    this.#host = host
    this.#spec = spec
    this.#source = source
  }

  get #found(): Effect.Effect<Containers.Container | undefined, VirtualizerError> {
    return Effect.mapError(DockerContainer.find(this.#host, this.#spec.id), EngineTrouble.failure)
  }

  get #killed(): Effect.Effect<void, VirtualizerError> {
    return Effect.suspend(() => {
      this.#known = unknown
      return DockerContainer.kill(this.#host, DockerContainer.find(this.#host, this.#spec.id))
    })
  }

  /** What is known, if it is that. It is known no more: the next look is at the engine again. */
  #take(tag: Exclude<Known["_tag"], "Nothing">): string | undefined {
    const known = this.#known
    this.#known = unknown
    return known._tag !== tag ? undefined : "container" in known ? known.container : ""
  }

  #run<A, E>(name: string, effect: Effect.Effect<A, E, Services>): Effect.Effect<A, E> {
    return effect.pipe(Effect.provideContext(this.#host.services), Effect.withSpan(name))
  }

  /** Lets go of the volumes of a container that does not run. */
  get #release(): Effect.Effect<void, VirtualizerError, Services> {
    return this.#host.volumes === "none" ? Effect.void : DockerVolumes.release(this.#host.config, this.#spec.id)
  }

  get probe(): Effect.Effect<Probe, VirtualizerError> {
    return this.#run(
      "DockerGuest.probe",
      Effect.gen({ self: this }, function*() {
        this.#known = unknown
        const found = DockerContainer.findNew(this.#host, this.#spec.id)
        const container = yield* Effect.mapError(found, EngineTrouble.failure)
        if (container !== undefined && isRunning(container.State)) return { _tag: "Running" } as const
        // It may have ended while nobody watched.
        yield* this.#release
        if (container !== undefined) {
          const lastExit = isUnbegun(container.State) ? undefined : exitStatus(container.State)
          return { _tag: "Created", lastExit } as const
        }
        this.#known = { _tag: "Absent" }
        const isThere = yield* this.#host.pulls.isThere(this.#source)
        return isThere ? { _tag: "ImageReady" } as const : { _tag: "Absent" } as const
      })
    )
  }

  get ensureBackingImage() {
    return this.#host.pulls.ensure(this.#source)
  }

  createImage(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    return this.#run(
      "DockerGuest.createImage",
      Effect.suspend(() => {
        const absent = this.#take("Absent") !== undefined
        return Effect.map(
          DockerContainer.create(this.#host, this.#spec, this.#source, boot, { absent }),
          (container) => {
            this.#known = { _tag: "Made", container }
          }
        )
      })
    )
  }

  get deleteImage(): Effect.Effect<void, VirtualizerError> {
    return this.#run("DockerGuest.deleteImage", DockerContainer.discard(this.#host, this.#spec.id))
  }

  start(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    const { config, volumes } = this.#host
    return this.#run(
      "DockerGuest.start",
      Effect.gen({ self: this }, function*() {
        const made = this.#take("Made") ?? (yield* this.#startable)
        // Somebody removed it past the launcher, which was told so when it ended.
        const container = made === undefined
          ? DockerContainer.create(this.#host, this.#spec, this.#source, boot)
          : Effect.succeed(made)
        const undo = Effect.andThen(
          this.#killed,
          made === undefined ? DockerContainer.discard(this.#host, this.#spec.id) : this.#release
        )
        const launch = Effect.gen({ self: this }, function*() {
          const id = yield* container
          if (volumes !== "none") yield* DockerVolumes.prepare(config, this.#spec.id, boot.volumes)
          yield* DockerContainer.start(this.#host, id)
          this.#known = { _tag: "Started", container: id }
        })
        yield* Effect.onError(
          launch,
          () => undo.pipe(Effect.catch((error) => Effect.logWarning("a launch could not be undone", error)))
        )
      })
    )
  }

  /** The container that can be started, by its id, if there is one. */
  get #startable(): Effect.Effect<string | undefined, VirtualizerError> {
    return Effect.flatMap(this.#found, (container) =>
      container !== undefined && isRunning(container.State)
        ? Effect.fail(fail(new LaunchFailed({ detail: "there is one already: stop it first" })))
        : Effect.succeed(container?.Id))
  }

  get monitor(): Effect.Effect<Monitor, VirtualizerError, Scope.Scope> {
    return Effect.suspend(() => DockerMonitor.make(this.#host, this.#spec.id, this.#take("Started"))).pipe(
      Effect.withSpan("DockerGuest.monitor")
    )
  }

  get kill(): Effect.Effect<void, VirtualizerError> {
    return this.#run("DockerGuest.kill", Effect.andThen(this.#killed, this.#release))
  }

  get stats(): Effect.Effect<GuestStats, VirtualizerError> {
    return Effect.gen({ self: this }, function*() {
      const { engine } = this.#host
      const container = yield* Effect.mapError(
        DockerContainer.find(this.#host, this.#spec.id, { size: true }),
        EngineTrouble.failure
      )
      if (container === undefined || !isRunning(container.State)) return yield* fail(new NotRunning())
      const stats = yield* Effect.orElseSucceed(engine.execute(Containers.stats(container.Id)), () => undefined)
      return DockerStats.of(container, stats)
    }).pipe(Effect.withSpan("DockerGuest.stats"))
  }

  get console(): DockerConsole {
    return new DockerConsole(this.#host, this.#spec.id)
  }
}

/** The guest of an instance. Looks at nothing. */
export const make = (host: DockerHost, spec: InstanceSpec, source: ContainerBoot): Guest =>
  new DockerGuest(host, spec, source)
