/**
 * At most one monitor for each container, whoever watches it: a name that one process at a time can have.
 *
 * It is a socket of the kernel's abstract names (unix(7)): no file, and free as soon as its process ends, however it ends.
 */
import * as Net from "node:net"
import { Effect, type Scope } from "effect"
import { fail, HostFailure, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"

/** A name that fits into a socket's address (107 bytes). */
const nameOf = (container: string): string => `vivarium/monitor/${container.slice(0, 64)}`

/**
 * Takes the claim on a container, by its id, for as long as the scope is open. Fails with `Unreachable` when somebody else has it,
 * and with `HostFailure`.
 */
export const take = (container: string): Effect.Effect<void, VirtualizerError, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.callback<Net.Server, VirtualizerError>((resume) => {
      const server = Net.createServer((connection) => connection.destroy())
      server.once("error", (error: NodeJS.ErrnoException) =>
        resume(Effect.fail(fail(
          error.code === "EADDRINUSE"
            ? new Unreachable({ detail: "it is watched already: close that monitor first" })
            : new HostFailure({ detail: `a claim on container ${container} could not be taken: ${error.message}` })
        ))))
      // It keeps no program alive.
      server.listen({ path: `\0${nameOf(container)}` }, () => resume(Effect.succeed(server.unref())))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
      })
  ))
