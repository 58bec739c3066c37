/**
 * A virtualizer that is configured, as the only one of a node.
 */
import { Effect, Layer, SchemaIssue, type Scope } from "effect"
import { type Virtualizer, Virtualizers } from "./Virtualizer.ts"
import { fail, HostFailure, type VirtualizerError } from "./VirtualizerError.ts"

/** Made of its configuration. `technology` is whose that is, for who is told that something is wrong with it. */
export const only = <Config, Requirements>(
  technology: string,
  config: Effect.Effect<Config, SchemaIssue.Issue>,
  make: (config: Config) => Effect.Effect<Virtualizer, VirtualizerError, Requirements>
): Layer.Layer<Virtualizers, VirtualizerError, Exclude<Requirements, Scope.Scope>> =>
  Layer.effect(
    Virtualizers,
    config.pipe(
      Effect.mapError((issue) =>
        fail(
          new HostFailure({
            detail: `the configuration of ${technology}: ${SchemaIssue.makeFormatterDefault()(issue)}: correct it`
          })
        )
      ),
      Effect.flatMap(make),
      Effect.map((virtualizer) => new Map([[virtualizer.name, virtualizer]]))
    )
  )
