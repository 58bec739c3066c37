/**
 * A container's console: what its program wrote, and a connection to its input and output.
 */
import { Effect, type Scope, Stream } from "effect"
import type { Socket } from "effect/socket"
import type { InstanceId } from "../../domain/InstanceId.ts"
import * as ContainerOutput from "../../docker/ContainerOutput.ts"
import * as Containers from "../../docker/Containers.ts"
import { is } from "../../docker/EngineError.ts"
import type { GuestConsole } from "../../Virtualizer.ts"
import { fail, NotRunning, type VirtualizerError } from "../../VirtualizerError.ts"
import { isRunning } from "./ContainerState.ts"
import * as DockerContainer from "./DockerContainer.ts"
import type { DockerHost } from "./DockerHost.ts"
import * as EngineTrouble from "./EngineTrouble.ts"

/** The console of a container, there or not. Holds nothing open. */
export class DockerConsole implements GuestConsole {
  readonly #host: DockerHost
  readonly #id: InstanceId

  constructor(host: DockerHost, id: InstanceId) {
    this.#host = host
    this.#id = id
  }

  /**
   * What the container's program has written to its output and error output in all of its starts, as far as the engine keeps it.
   * With `follow`, then what it goes on to write; the stream ends with the container. Empty where there is none.
   * Fails with `Unreachable` or `HostFailure`.
   */
  log(options: { readonly follow: boolean }): Stream.Stream<Uint8Array, VirtualizerError> {
    const { engine } = this.#host
    return Stream.unwrap(
      Effect.map(
        DockerContainer.find(this.#host, this.#id),
        (container) => {
          if (container === undefined) return Stream.empty
          const call = Containers.logs(container.Id, options)
          return ContainerOutput.fromBytes(engine.bytes(call), { tty: container.Config.Tty, call: call.path })
        }
      )
    ).pipe(
      Stream.map(({ bytes }) => bytes),
      Stream.mapError(EngineTrouble.failure)
    )
  }

  /**
   * Connects to what the container's program reads and writes, from now on. Any number may; each sees all. Fails with
   * `NotRunning`, `Unreachable` or `HostFailure`.
   */
  get connect(): Effect.Effect<Socket.Socket, VirtualizerError, Scope.Scope> {
    const { engine } = this.#host
    return Effect.gen({ self: this }, function*() {
      const container = yield* Effect.mapError(DockerContainer.find(this.#host, this.#id), EngineTrouble.failure)
      if (container === undefined || !isRunning(container.State)) return yield* fail(new NotRunning())
      const socket = yield* engine.upgrade(Containers.attach(container.Id, { input: true })).pipe(
        Effect.mapError((error) =>
          is(error, "NotFound") || is(error, "Conflict") ? fail(new NotRunning()) : EngineTrouble.failure(error)
        )
      )
      return container.Config.Tty ? socket : ContainerOutput.unframed(socket)
    }).pipe(Effect.withSpan("DockerConsole.connect"))
  }
}
