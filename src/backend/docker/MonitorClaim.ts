/**
 * At most one monitor for each container, whoever watches it: a name that one process at a time can have.
 *
 * It is a socket of the kernel's abstract names (unix(7)): no file, and free as soon as its process ends, however it ends.
 */
import * as Net from "node:net"
import { Effect, type Scope } from "effect"
import { fail, HostFailure, Unreachable, type VirtualizerError } from "../../VirtualizerError.ts"

/**
 * Takes the claim on a container's name, for as long as the scope is open. Fails with `Unreachable` when somebody else has it, and
 * with `HostFailure`.
 */
export const take = (name: string): Effect.Effect<void, VirtualizerError, Scope.Scope> =>
  Effect.asVoid(Effect.acquireRelease(
    Effect.callback<Net.Server, VirtualizerError>((resume) => {
      const server = Net.createServer((connection) => connection.destroy())
      server.once("error", (error: NodeJS.ErrnoException) =>
        resume(Effect.fail(fail(
          error.code === "EADDRINUSE"
            ? new Unreachable({ detail: "it is watched already: close that monitor first" })
            : new HostFailure({ detail: `a claim on ${name} could not be taken: ${error.message}` })
        ))))
      // It keeps no program alive.
      server.listen({ path: `\0${name}` }, () => resume(Effect.succeed(server.unref())))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
      })
  ))
