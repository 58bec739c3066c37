/**
 * The guest of one instance: a QEMU process, and the files it takes.
 */
import { Duration, Effect, Exit, FileSystem, Scope, Stream } from "effect"
import type { ExitStatus } from "../../domain/ExitStatus.ts"
import type { InstanceSpec } from "../../domain/InstanceSpec.ts"
import type { VolumeId } from "../../domain/Volume.ts"
import * as QmpClient from "../../qmp/QmpClient.ts"
import * as QmpTransport from "../../qmp/QmpTransport.ts"
import type { BootConfig, Guest, GuestStats, Monitor, Probe } from "../../Virtualizer.ts"
import { fail, LaunchFailed, NotRunning, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"
import * as QemuArguments from "./QemuArguments.ts"
import { QemuConsole } from "./QemuConsole.ts"
import * as QemuDirectory from "./QemuDirectory.ts"
import * as QemuExit from "./QemuExit.ts"
import * as QemuFiles from "./QemuFiles.ts"
import type { QemuHost, Services } from "./QemuHost.ts"
import * as QemuLaunch from "./QemuLaunch.ts"
import * as QemuMonitor from "./QemuMonitor.ts"
import * as QemuProcess from "./QemuProcess.ts"
import * as QemuStats from "./QemuStats.ts"

/** A guest that was launched and that nobody monitors yet. A control channel is negotiated once: its monitor gets this one. */
interface Unmonitored {
  readonly launched: QemuLaunch.Launched
  readonly volumes: ReadonlyArray<VolumeId>
  readonly scope: Scope.Closeable
}

/** How long a guest that is there is dialled: it listens within moments of its launch, and for ever, or never again. */
const adoptionDialDeadline = Duration.seconds(5)

const killed: ExitStatus = { _tag: "Killed", signal: "SIGKILL" }

/** The guest of an instance. Looks at nothing. */
export const make = (
  host: QemuHost,
  spec: InstanceSpec,
  instanceDirectory: string
): Effect.Effect<Guest, never, Scope.Scope> =>
  Effect.map(
    Effect.scope,
    (scope) => new QemuGuest(host, spec, QemuDirectory.make(host.config, instanceDirectory), scope)
  )

class QemuGuest implements Guest {
  readonly #host: QemuHost
  readonly #spec: InstanceSpec
  readonly #directory: QemuDirectory.QemuDirectory
  readonly #scope: Scope.Scope
  #unmonitored: Unmonitored | undefined = undefined

  constructor(host: QemuHost, spec: InstanceSpec, directory: QemuDirectory.QemuDirectory, scope: Scope.Scope) {
    this.#host = host
    this.#spec = spec
    this.#directory = directory
    this.#scope = scope
  }

  get #signature(): QemuProcess.Signature {
    return QemuProcess.signature(this.#spec.id, this.#directory)
  }

  #run<A, E>(name: string, effect: Effect.Effect<A, E, Services>): Effect.Effect<A, E> {
    return effect.pipe(Effect.provideContext(this.#host.services), Effect.withSpan(name))
  }

  get probe(): Effect.Effect<Probe, VirtualizerError> {
    const directory = this.#directory
    const signature = this.#signature
    const spec = this.#spec
    return this.#run(
      "QemuGuest.probe",
      Effect.gen(function*() {
        if ((yield* QemuProcess.findByPidFile(signature)) !== undefined) return { _tag: "Running" } as const
        const fs = yield* FileSystem.FileSystem
        if (!(yield* Effect.orElseSucceed(fs.exists(directory.path), () => false))) return { _tag: "Absent" } as const
        const proven = yield* QemuExit.read(directory.exit)
        // Once launched, a guest has none until it ends; it may be there and not have written its pid file yet.
        if (proven === undefined && (yield* QemuProcess.search(signature)) !== undefined) {
          return { _tag: "Running" } as const
        }
        const lastExit = proven ?? (yield* QemuExit.readNote(directory.exit))
        return (yield* QemuFiles.isComplete(directory, spec))
          ? { _tag: "Created", lastExit } as const
          : { _tag: "ImageReady" } as const
      })
    )
  }

  get ensureBackingImage() {
    return Stream.provideContext(QemuFiles.checkSource(this.#host, this.#spec), this.#host.services)
  }

  createImage(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    return this.#run("QemuGuest.createImage", QemuFiles.create(this.#host, this.#directory, this.#spec, boot))
  }

  get deleteImage(): Effect.Effect<void, VirtualizerError> {
    return this.#run("QemuGuest.deleteImage", QemuFiles.remove(this.#directory))
  }

  start(boot: BootConfig): Effect.Effect<void, VirtualizerError> {
    const { config, searchPath } = this.#host
    const directory = this.#directory
    return this.#run(
      "QemuGuest.start",
      Effect.gen({ self: this }, function*() {
        yield* this.#closeUnmonitored
        // Its control channel would be taken for the new one's.
        if ((yield* QemuProcess.findByPidFile(this.#signature)) !== undefined) {
          return yield* fail(new LaunchFailed({ detail: "there is one already: stop it first" }))
        }
        const command = yield* QemuFiles.command(this.#host, directory, this.#spec, boot)
        yield* QemuExit.clear(directory.exit)
        const scope = yield* Scope.fork(this.#scope)
        const options = {
          config,
          directory,
          searchPath,
          signature: this.#signature,
          command,
          taps: QemuArguments.taps(boot.networks)
        }
        yield* QemuLaunch.launch(options, (launched) => {
          this.#unmonitored = { launched, scope, volumes: boot.volumes.map(({ id }) => id) }
        }).pipe(
          Scope.provide(scope),
          Effect.onError(() => this.#unmonitored?.scope === scope ? Effect.void : Scope.close(scope, Exit.void))
        )
      })
    )
  }

  get #closeUnmonitored(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const unmonitored = this.#unmonitored
      this.#unmonitored = undefined
      return unmonitored === undefined ? Effect.void : Scope.close(unmonitored.scope, Exit.void)
    })
  }

  get monitor(): Effect.Effect<Monitor, VirtualizerError, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const unmonitored = yield* this.#takeUnmonitored
      return unmonitored === undefined
        ? yield* this.#adopt
        : yield* this.#watch(unmonitored.launched, { ...unmonitored.launched, volumes: unmonitored.volumes })
    }).pipe(Effect.withSpan("QemuGuest.monitor"))
  }

  #watch(
    { client, identity }: Pick<QemuLaunch.Launched, "client" | "identity">,
    launched: QemuMonitor.Options["launched"]
  ) {
    return QemuMonitor.make({ host: this.#host, directory: this.#directory, identity, client, launched })
  }

  get #takeUnmonitored(): Effect.Effect<Unmonitored | undefined, never, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const unmonitored = this.#unmonitored
      if (unmonitored === undefined) return undefined
      yield* Effect.addFinalizer(() => Scope.close(unmonitored.scope, Exit.void))
      this.#unmonitored = undefined
      return unmonitored
    })
  }

  get #adopt(): Effect.Effect<Monitor, VirtualizerError, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const identity = yield* QemuProcess.find(this.#signature)
      if (identity === undefined) return yield* fail(new NotRunning())
      const transport = QmpTransport.unix(this.#directory.qmpSocket)
      const adopted = Effect.gen({ self: this }, function*() {
        const client = yield* QmpClient.open(transport, {
          ...QemuLaunch.clientOptions(this.#host.config),
          dialDeadline: adoptionDialDeadline
        })
        // What it asks first goes out together with the negotiation.
        const monitor = yield* this.#watch({ client, identity }, undefined)
        yield* client.negotiated
        return monitor
      }).pipe(
        Effect.mapError((error) =>
          fail(QemuProcess.isAlive(identity) ? new Unreachable({ detail: error.message }) : new NotRunning())
        )
      )
      return yield* Effect.raceFirst(
        adopted,
        Effect.andThen(QemuProcess.awaitGone(identity, 50), Effect.fail(fail(new NotRunning())))
      )
    })
  }

  get kill(): Effect.Effect<void, VirtualizerError> {
    const { config } = this.#host
    const directory = this.#directory
    return this.#run(
      "QemuGuest.kill",
      Effect.gen({ self: this }, function*() {
        yield* this.#closeUnmonitored
        const identity = yield* QemuProcess.find(this.#signature)
        if (identity === undefined) return
        // One that is held at its end has its reason on record, which this does not change.
        const isNew = (yield* QemuExit.read(directory.exit)) === undefined
        const told = Effect.catch((error: VirtualizerError) =>
          Effect.logWarning("how a guest ended could not be recorded", error)
        )
        if (isNew) yield* told(QemuExit.note(directory.exit, killed))
        yield* QemuProcess.kill(identity, config.killDeadline)
        if (isNew) yield* told(QemuExit.confirm(directory.exit))
        yield* QemuLaunch.removeTraces(directory)
      })
    )
  }

  get stats(): Effect.Effect<GuestStats, VirtualizerError> {
    const directory = this.#directory
    const signature = this.#signature
    const hasDisk = this.#spec.boot.kind === "image"
    return this.#run(
      "QemuGuest.stats",
      Effect.gen(function*() {
        const identity = yield* QemuProcess.find(signature)
        if (identity === undefined) return yield* fail(new NotRunning())
        const [process, disk] = yield* Effect.all([
          QemuStats.ofProcess(identity.pid),
          hasDisk ? QemuStats.ofDisk(directory.disk, "qcow2") : Effect.succeed({})
        ])
        return { ...process, ...disk }
      })
    )
  }

  get console(): QemuConsole {
    return new QemuConsole(this.#directory, this.#signature)
  }
}
