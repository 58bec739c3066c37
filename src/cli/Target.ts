/**
 * Which instance a person means: by its name, its id, or a beginning of its id that no other has.
 */
import { Effect } from "effect"
import { Argument } from "effect/cli"
import type { InstanceInfo } from "../domain/InstanceInfo.ts"
import { CliFailure, usage } from "./CliFailure.ts"
import type { Daemon } from "./Daemon.ts"
import { ExitCode } from "./ExitCode.ts"

/** The argument of commands about one instance. */
export const instance = Argument.String("instance").pipe(
  Argument.withDescription("A name, an id, or the beginning of one")
)

/** The arguments of commands about several. */
export const instances = Argument.String("instance").pipe(
  Argument.withDescription("Names, ids, or the beginnings of ids"),
  Argument.variadic({ min: 1 })
)

const isPrefix = /^[0-9a-f][0-9a-f-]*$/

const byPrefix = Effect.fnUntraced(function*(daemon: Daemon["Service"], prefix: string, notFound: CliFailure) {
  const [found, another, ...others] = yield* daemon.list({ prefix })
  if (found === undefined) return yield* notFound
  if (another === undefined) return found
  const some = [found, another, ...others].slice(0, 5).map((info) => info.spec.id)
  return yield* usage(
    `${prefix} is the beginning of ${2 + others.length} ids`,
    `write more of it: ${some.join(", ")}${others.length > 3 ? ", …" : ""}`
  )
})

/** The instance that is meant. */
export const find = (daemon: Daemon["Service"], reference: string): Effect.Effect<InstanceInfo, CliFailure> => {
  const written = reference.toLowerCase()
  return daemon.get(written).pipe(
    Effect.catchIf(
      ({ exitCode }) => exitCode === ExitCode.notFound,
      () => {
        const notFound = new CliFailure({
          exitCode: ExitCode.notFound,
          code: "no_instance",
          detail: `there is no instance ${reference} on ${daemon.endpoint.name}`,
          hint: "viv ls lists them"
        })
        return isPrefix.test(written) ? byPrefix(daemon, written, notFound) : Effect.fail(notFound)
      }
    )
  )
}
