/**
 * Running programs in a container that runs.
 */
import { Schema } from "effect"
import * as EngineCall from "./EngineCall.ts"
import { segment } from "./EngineCall.ts"

/** What to run. */
export interface ExecRequest {
  readonly command: readonly [string, ...ReadonlyArray<string>]
  readonly environment?: Readonly<Record<string, string>>
  /** Whether it gets what is written to the connection. */
  readonly input?: boolean
  readonly tty?: boolean
  readonly user?: string
}

/** `POST /containers/{id}/exec`: prepares it. The reply has its id. Fails with `Conflict` when the container does not run. */
export const create = (container: string, { command, environment = {}, input, tty, user }: ExecRequest) =>
  EngineCall.make("POST", `/containers/${segment(container)}/exec`, Schema.Struct({ Id: Schema.String }), {
    body: {
      AttachStdout: true,
      AttachStderr: true,
      AttachStdin: input ?? false,
      Tty: tty ?? false,
      Cmd: command,
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      ...(user === undefined ? {} : { User: user })
    }
  })

/** `POST /exec/{id}/start`. For `EngineClient.upgrade`; without a TTY the output is in frames. */
export const start = (id: string, options: { readonly tty?: boolean } = {}) =>
  EngineCall.ask("POST", `/exec/${segment(id)}/start`, { body: { Detach: false, Tty: options.tty ?? false } })

/** `GET /exec/{id}/json`. The exit code is null as long as it runs. */
export const inspect = (id: string) =>
  EngineCall.make(
    "GET",
    `/exec/${segment(id)}/json`,
    Schema.Struct({ Running: Schema.Boolean, ExitCode: Schema.NullOr(Schema.Int), Pid: Schema.Int })
  )
