/**
 * What a daemon is configured with. Everything has a default; a file, the environment and flags say otherwise, the latter before
 * the former.
 */
import { Duration, Effect, Schema, Struct } from "effect"
import { DockerConfig } from "../backend/docker/DockerConfig.ts"
import { QemuConfig } from "../backend/qemu/QemuConfig.ts"
import { HostPath } from "../domain/Image.ts"
import { LauncherConfig } from "../launcher/LauncherConfig.ts"
import { Limits as LauncherLimits, scaled } from "../launcher/Limits.ts"

const duration = (value: Duration.Input) => {
  const millis = Duration.fromInputUnsafe(value)
  return Schema.DurationFromString.pipe(
    Schema.withConstructorDefault(Effect.succeed(millis)),
    Schema.withDecodingDefaultTypeKey(Effect.succeed(millis))
  )
}

const count = (value: number) =>
  Schema.Int.check(Schema.isGreaterThan(0)).pipe(
    Schema.withConstructorDefault(Effect.succeed(value)),
    Schema.withDecodingDefaultTypeKey(Effect.succeed(value))
  )

/** A user's or a group's name, or number. */
const Account = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/, { expected: "the name or the number of a user or group" })
)

/** TLS of a listener: files in PEM. */
export const Tls = Schema.Struct({
  certificate: HostPath,
  key: HostPath,
  /** Clients must have a certificate that one of these signed. */
  clientAuthorities: Schema.optionalKey(HostPath)
})

/** A TCP listener. */
export const Tcp = Schema.Struct({
  host: Schema.NonEmptyString.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed("127.0.0.1"))),
  port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
  tls: Schema.optionalKey(Tls)
})

export type Tcp = typeof Tcp.Type

/** The unix socket: its mode is 0660. Whoever may write to it may create instances, and so read what is in the roots. */
const Socket = Schema.Struct({
  /** Default: `/run/vivarium/vivd.sock` for root, and below the state directory where one was chosen. */
  path: Schema.optionalKey(HostPath),
  owner: Schema.optionalKey(Account),
  group: Schema.optionalKey(Account)
})

const defaults = <S extends Schema.Top>(schema: S, value: S["Type"]) =>
  schema.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(value)))

/** How much of the node instances may take: each limit for itself. */
const NodeLimits = Schema.Struct({
  memory: defaults(LauncherLimits.fields.memory, scaled.memory),
  disk: defaults(LauncherLimits.fields.disk, scaled.disk),
  vcpusPerCpu: defaults(LauncherLimits.fields.vcpusPerCpu, scaled.vcpusPerCpu)
})

const Limits = Schema.Struct({
  /** How many connections there may be to a listener. */
  connectionsMax: count(2_048),
  /** How many logs, consoles and followers of events there may be. */
  streamsMax: count(1_536),
  /** How long a client may take to send the headers of a request. */
  headersDeadline: duration("10 seconds"),
  /** How long it may take to send all of a request. */
  requestDeadline: duration("30 seconds"),
  /** How long a client may leave what it was sent unread. */
  stallDeadline: duration("30 seconds")
})

const Log = Schema.Struct({
  format: defaults(Schema.Literals(["text", "json"]), "text"),
  level: defaults(Schema.Literals(["error", "warning", "info", "debug"]), "info")
})

/** What may run guests. */
const VirtualizerName = Schema.Literals(["qemu", "docker", "simulation"])

export type VirtualizerName = typeof VirtualizerName.Type

export const DaemonConfig = Schema.Struct({
  /** Default: `/var/lib/vivarium` for root, else `~/.local/state/vivarium`. */
  stateDirectory: Schema.optionalKey(HostPath),
  socket: defaults(Socket, {}),
  /** None, unless it is said. It asks for tokens, and beyond loopback for TLS too. */
  tcp: Schema.optionalKey(Tcp),
  /** The file of the tokens' hashes, which `vivd token create` writes. */
  tokens: Schema.optionalKey(HostPath),
  limits: defaults(Limits, Limits.make({})),
  /** How long commands in progress are waited for when the daemon is to end. */
  shutdownDeadline: duration("20 seconds"),
  log: defaults(Log, { format: "text", level: "info" }),
  /** Where traces and metrics are sent: the base of an OTLP endpoint over HTTP, such as `http://localhost:4318`. */
  otlp: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^https?:\/\/\S+$/, { expected: "a URL, such as http://localhost:4318" }))
  ),
  /** What runs guests here. Default: QEMU. An engine that is away keeps no daemon from starting: its containers are unknown meanwhile. */
  virtualizers: Schema.optionalKey(Schema.NonEmptyArray(VirtualizerName)),
  /**
   * Guests are simulated, in memory, and gone with the daemon: for those who write clients. No others are run.
   */
  simulate: defaults(Schema.Boolean, false),
  /** How QEMU is run. `roots` are the directories of images and kernels: whoever may create instances may read all in them. */
  qemu: defaults(
    Schema.Struct(Struct.map(Struct.omit(QemuConfig.fields, ["stateDirectory"]), Schema.optionalKey)),
    {}
  ),
  /**
   * How containers are run. The engine is the one that DOCKER_HOST leads to. `roots` are the directories of volumes, beside the
   * state directory's own.
   */
  docker: defaults(
    Schema.Struct(Struct.map(Struct.omit(DockerConfig.fields, ["stateDirectory"]), Schema.optionalKey)),
    {}
  ),
  /** How long things may take, and how much there may be. */
  launcher: defaults(
    Schema.Struct({
      ...Struct.map(LauncherConfig.fields, Schema.optionalKey),
      limits: defaults(NodeLimits, scaled)
    }),
    { limits: scaled }
  )
})

export type DaemonConfig = typeof DaemonConfig.Type

/** What runs guests on a node that is configured so. */
export const virtualizersOf = ({ simulate, virtualizers }: DaemonConfig): ReadonlyArray<VirtualizerName> =>
  simulate ? ["simulation"] : virtualizers ?? ["qemu"]
