/**
 * How this node runs containers.
 */
import { Duration, Effect, Schema } from "effect"
import { HostPath } from "../../domain/Image.ts"

const millis = (value: number) =>
  Schema.DurationFromString.pipe(Schema.withConstructorDefault(Effect.succeed(Duration.millis(value))))

/** The configuration of the Docker virtualizer. All but the state directory has a default. */
export const DockerConfig = Schema.Struct({
  /** The node's state directory, shared with the launcher. Containers bear its path as a label, and are this node's by it. */
  stateDirectory: HostPath,
  /**
   * Where volumes are mounted for containers, one directory for each instance. The engine must see the same file systems there.
   * Volumes can be attached to a running container where it is on a shared mount, as all of a host with systemd is.
   */
  volumesDirectory: Schema.optionalKey(HostPath),
  /**
   * The directories that volumes must be in once symbolic links are resolved. The state directory's `volumes` always belongs to
   * them.
   */
  roots: Schema.Array(HostPath).pipe(Schema.withConstructorDefault(Effect.succeed([]))),
  /** Whether a spec may ask for the host's namespaces and devices. Such a container can do all that root can. */
  allowPrivileged: Schema.Boolean.pipe(Schema.withConstructorDefault(Effect.succeed(false))),
  /** Where Docker keeps the user's registry credentials. Default: DOCKER_CONFIG, or `~/.docker`. */
  credentialsDirectory: Schema.optionalKey(HostPath),
  /** How long it may take to start a container. */
  startDeadline: millis(30_000),
  /**
   * How often an engine whose containers are watched is asked for a sign of life, and how long it has to give it. A frozen one is
   * found within two of these.
   */
  heartbeat: millis(10_000),
  /** How long a step that makes or starts a container waits for an engine that went away meanwhile, before it fails. */
  absenceDeadline: millis(20_000),
  /** How long SIGKILL may take before a container is given up as immortal. */
  killDeadline: millis(10_000),
  /** How long detaching a volume may take that is in use. */
  detachDeadline: millis(5_000)
})

export type DockerConfig = typeof DockerConfig.Type

/** Where the volumes of one instance are mounted. */
export const volumesOf = ({ stateDirectory, volumesDirectory }: DockerConfig, id: string): string =>
  `${volumesDirectory ?? `${stateDirectory}/mounted`}/${id}`
