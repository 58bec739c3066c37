/**
 * Calls about containers. Replies are decoded as far as they are needed.
 */
import { Schema } from "effect"
import * as EngineCall from "./EngineCall.ts"
import { filters, flag, segment } from "./EngineCall.ts"

const strings = Schema.Array(Schema.String)

/** Labels, ports and the like: engines say null where there are none. */
const nullable = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** How a container is connected to one network. */
export const Endpoint = Schema.Struct({
  IPAMConfig: nullable(Schema.Struct({ IPv4Address: Schema.optionalKey(Schema.String) })),
  /** From version 1.44 on; before, a container has one for all networks. */
  MacAddress: Schema.optionalKey(Schema.String),
  Aliases: nullable(strings)
})

export type Endpoint = typeof Endpoint.Type

/** What is bound into a container, or made for it. */
export const Mount = Schema.Struct({
  Type: Schema.Literals(["bind", "volume", "tmpfs"]),
  Source: Schema.optionalKey(Schema.String),
  Target: Schema.String,
  ReadOnly: Schema.optionalKey(Schema.Boolean),
  BindOptions: Schema.optionalKey(Schema.Struct({
    Propagation: Schema.optionalKey(Schema.Literals(["private", "rprivate", "shared", "rshared", "slave", "rslave"])),
    /** From version 1.44 on, else all that is mounted below what is read-only is so, too; before, it never is. */
    ReadOnlyNonRecursive: Schema.optionalKey(Schema.Boolean)
  }))
})

const PortBinding = Schema.Struct({ HostIp: Schema.String, HostPort: Schema.String })

const HostConfig = Schema.Struct({
  /** Bytes; 0 is no limit. */
  Memory: Schema.optionalKey(Schema.Int),
  /** Memory and swap together, in bytes. */
  MemorySwap: Schema.optionalKey(Schema.Int),
  /** Microseconds in which {@link HostConfig.CpuQuota} may be used up. */
  CpuPeriod: Schema.optionalKey(Schema.Int),
  CpuQuota: Schema.optionalKey(Schema.Int),
  Dns: Schema.optionalKey(strings),
  NetworkMode: Schema.optionalKey(Schema.String),
  PortBindings: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(PortBinding))),
  Mounts: Schema.optionalKey(Schema.Array(Mount)),
  Privileged: Schema.optionalKey(Schema.Boolean),
  PidMode: Schema.optionalKey(Schema.String),
  IpcMode: Schema.optionalKey(Schema.String),
  SecurityOpt: Schema.optionalKey(strings)
})

/** What a container is made from. */
export const CreateRequest = Schema.Struct({
  Image: Schema.String,
  Cmd: Schema.optionalKey(strings),
  Env: Schema.optionalKey(strings),
  Hostname: Schema.optionalKey(Schema.String),
  /** For engines before version 1.44. */
  MacAddress: Schema.optionalKey(Schema.String),
  Labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  OpenStdin: Schema.optionalKey(Schema.Boolean),
  Tty: Schema.optionalKey(Schema.Boolean),
  ExposedPorts: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({}))),
  HostConfig: Schema.optionalKey(HostConfig),
  NetworkingConfig: Schema.optionalKey(Schema.Struct({ EndpointsConfig: Schema.Record(Schema.String, Endpoint) }))
})

export type CreateRequest = typeof CreateRequest.Type

const encodeCreate = Schema.encodeSync(CreateRequest)

/** `POST /containers/create`. The reply has its id. Fails with `NotFound` without its image, `Conflict` when the name is taken. */
export const create = (name: string, request: CreateRequest) =>
  EngineCall.make(
    "POST",
    "/containers/create",
    Schema.Struct({ Id: Schema.String, Warnings: nullable(strings) }),
    { query: { name }, body: encodeCreate(request) }
  )

/** What a container does now, and how it ended. Times are RFC 3339, by the engine's clock. */
export const State = Schema.Struct({
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`; `stopped` and others with Podman. */
  Status: Schema.String,
  /** True also while it is paused. */
  Running: Schema.Boolean,
  Paused: Schema.Boolean,
  OOMKilled: Schema.Boolean,
  /** The container's init, by the pid of the engine's host; 0 when it does not run. */
  Pid: Schema.Int,
  ExitCode: Schema.Int,
  /** Why it could not be started; empty when it could. */
  Error: Schema.String,
  StartedAt: Schema.String,
  FinishedAt: Schema.String
})

export type State = typeof State.Type

/** A container as `inspect` tells it. */
export const Container = Schema.Struct({
  Id: Schema.String,
  Name: Schema.String,
  /** The id of its image. */
  Image: Schema.String,
  Created: Schema.String,
  State,
  Config: Schema.Struct({
    Hostname: Schema.String,
    Image: Schema.String,
    Tty: Schema.Boolean,
    Env: nullable(strings),
    Cmd: nullable(strings),
    Labels: nullable(Schema.Record(Schema.String, Schema.String)),
    /** A name or a number; Docker leaves it out where it is SIGTERM. */
    StopSignal: Schema.optionalKey(Schema.Union([Schema.String, Schema.Int]))
  }),
  NetworkSettings: Schema.Struct({
    Networks: nullable(Schema.Record(
      Schema.String,
      Schema.Struct({ IPAddress: Schema.optionalKey(Schema.String), MacAddress: Schema.optionalKey(Schema.String) })
    ))
  }),
  /** What its own layer takes up, where that was asked for. */
  SizeRw: nullable(Schema.Int),
  /** That, and its image. */
  SizeRootFs: nullable(Schema.Int)
})

export type Container = typeof Container.Type

/** `GET /containers/{id}/json`, by id or name. Sizes take the engine a while to count. */
export const inspect = (id: string, options: { readonly size?: boolean } = {}) =>
  EngineCall.make("GET", `/containers/${segment(id)}/json`, Container, { query: { size: flag(options.size) } })

/** A container as `list` tells it, from what the engine has on record: that it has ended may be a moment behind. */
const Summary = Schema.Struct({
  Id: Schema.String,
  Names: nullable(strings),
  Image: Schema.String,
  /** As `State.Status`. */
  State: Schema.String,
  Labels: nullable(Schema.Record(Schema.String, Schema.String))
})

/** `GET /containers/json`: those that run, or all, that have every one of these labels (`name` or `name=value`). */
export const list = (options: { readonly all?: boolean; readonly labels?: ReadonlyArray<string> } = {}) =>
  EngineCall.make("GET", "/containers/json", Schema.Array(Summary), {
    query: { all: flag(options.all), filters: filters({ label: options.labels ?? [] }) }
  })

/** `POST /containers/{id}/start`. Succeeds when it runs already. */
export const start = (id: string) => EngineCall.ask("POST", `/containers/${segment(id)}/start`)

/** `POST /containers/{id}/kill`: sends a signal to its init. Fails with `Conflict` when it does not run. */
export const kill = (id: string, signal: string) =>
  EngineCall.ask("POST", `/containers/${segment(id)}/kill`, { query: { signal } })

/**
 * `POST /containers/{id}/stop`: its stop signal, then SIGKILL when it does not end within `graceSeconds`. Answered when it has
 * ended: give the call a longer deadline. Succeeds when it does not run.
 */
export const stop = (id: string, graceSeconds: number) =>
  EngineCall.ask("POST", `/containers/${segment(id)}/stop`, { query: { t: `${graceSeconds}` } })

/** `POST /containers/{id}/pause`. Fails with `Conflict` when it does not run, or is paused. */
export const pause = (id: string) => EngineCall.ask("POST", `/containers/${segment(id)}/pause`)

/** `POST /containers/{id}/unpause`. Fails when it is not paused: with `EngineFailed`, or `Conflict` by later engines. */
export const unpause = (id: string) => EngineCall.ask("POST", `/containers/${segment(id)}/unpause`)

/** `DELETE /containers/{id}`, with its anonymous volumes. Fails with `Conflict` when it runs, unless by `force`. */
export const remove = (id: string, options: { readonly force?: boolean } = {}) =>
  EngineCall.ask("DELETE", `/containers/${segment(id)}`, { query: { v: "1", force: flag(options.force) } })

/** How a container ended that was waited for. */
const Waited = Schema.Struct({
  StatusCode: Schema.Int,
  Error: nullable(Schema.Struct({ Message: Schema.optionalKey(Schema.String) }))
})

/** `POST /containers/{id}/wait`: answered when the condition holds. See `ContainerWait`. */
export const wait = (id: string, condition: "not-running" | "next-exit" | "removed") =>
  EngineCall.make("POST", `/containers/${segment(id)}/wait`, Waited, { query: { condition } })

/** What a container uses. What an engine does not count is absent. */
export const Stats = Schema.Struct({
  /** When it was read, as RFC 3339, by the engine's clock. */
  read: Schema.String,
  cpu_stats: Schema.Struct({
    cpu_usage: Schema.Struct({
      /** Nanoseconds since it began. */
      total_usage: Schema.optionalKey(Schema.Number)
    })
  }),
  memory_stats: Schema.optionalKey(Schema.Struct({
    /** Bytes, the page cache among them. */
    usage: Schema.optionalKey(Schema.Number),
    limit: Schema.optionalKey(Schema.Number),
    /** `inactive_file` (cgroup v2) and `total_inactive_file` (v1) are cache that the kernel gives back for the asking. */
    stats: nullable(Schema.Record(Schema.String, Schema.Number))
  }))
})

export type Stats = typeof Stats.Type

/** `GET /containers/{id}/stats`, once: without the second that the engine takes for two samples. */
export const stats = (id: string) =>
  EngineCall.make("GET", `/containers/${segment(id)}/stats`, Stats, { query: { stream: "0", "one-shot": "1" } })

/** `GET /containers/{id}/stats`, about once a second until the container is removed. For `EngineClient.stream`. */
export const statsStream = (id: string) => EngineCall.make("GET", `/containers/${segment(id)}/stats`, Stats)

/** What of a log is wanted. */
export interface LogOptions {
  readonly follow?: boolean
  /** From this time on, in seconds of Unix time by the engine's clock. */
  readonly sinceSeconds?: number
  /** That many of the last lines. Default: all. */
  readonly tailLines?: number
}

/** `GET /containers/{id}/logs`. Bytes; without a TTY in frames: see `ContainerOutput`. */
export const logs = (id: string, { follow, sinceSeconds, tailLines }: LogOptions = {}) =>
  EngineCall.ask("GET", `/containers/${segment(id)}/logs`, {
    query: {
      stdout: "1",
      stderr: "1",
      follow: flag(follow),
      since: sinceSeconds === undefined ? undefined : `${sinceSeconds}`,
      tail: tailLines === undefined ? undefined : `${tailLines}`
    }
  })

/** `POST /containers/{id}/attach`: its input and output. For `EngineClient.upgrade`; without a TTY the output is in frames. */
export const attach = (id: string, options: { readonly input?: boolean; readonly past?: boolean } = {}) =>
  EngineCall.ask("POST", `/containers/${segment(id)}/attach`, {
    query: { stream: "1", stdout: "1", stderr: "1", stdin: flag(options.input), logs: flag(options.past) }
  })

/** `POST /containers/{id}/resize`: the size of its TTY. */
export const resize = (id: string, size: { readonly columns: number; readonly rows: number }) =>
  EngineCall.ask("POST", `/containers/${segment(id)}/resize`, { query: { w: `${size.columns}`, h: `${size.rows}` } })
