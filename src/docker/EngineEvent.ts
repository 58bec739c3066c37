/**
 * What an engine tells without being asked: https://docs.docker.com/reference/cli/docker/system/events/
 */
import { Schema } from "effect"
import * as EngineCall from "./EngineCall.ts"
import { filters } from "./EngineCall.ts"

/** One event. */
export const EngineEvent = Schema.Struct({
  /** `container`, `image`, `network`, `volume`, `daemon` … */
  Type: Schema.String,
  /** `start`, `die`, `oom`, `pause`, `unpause`, `kill`, `stop`, `destroy` …; `exec_start: COMMAND` and the like. */
  Action: Schema.String,
  Actor: Schema.Struct({
    /** The container's id. */
    ID: Schema.String,
    /** `exitCode`, `signal`, the container's name, image and labels. */
    Attributes: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))
  }),
  /** Unix time by the engine's clock. */
  time: Schema.Int,
  /** The same in nanoseconds: beyond what a number holds exactly, and good for telling one from another. */
  timeNano: Schema.Number
})

export type EngineEvent = typeof EngineEvent.Type

/** Which events. Every filter must let one through. */
export interface EventOptions {
  /**
   * Those that happened from then on, before those that are yet to: seconds of Unix time by the engine's clock, with up to nine
   * digits behind a point. An engine remembers a few hundred, and none from before it was started.
   */
  readonly since?: string
  readonly types?: ReadonlyArray<string>
  readonly actions?: ReadonlyArray<string>
  /** `name` or `name=value`. */
  readonly labels?: ReadonlyArray<string>
}

/** `GET /events`. For `EngineClient.stream`: never ends by itself. */
export const events = ({ actions, labels, since, types }: EventOptions = {}) =>
  EngineCall.make("GET", "/events", EngineEvent, {
    query: {
      since,
      filters: filters({
        ...(types === undefined ? {} : { type: types }),
        ...(actions === undefined ? {} : { event: actions }),
        ...(labels === undefined ? {} : { label: labels })
      })
    }
  })
