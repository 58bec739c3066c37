/**
 * What is told of a step: a span, which belongs to the command that the step is for; how long it took; and the instance's id in
 * all that is logged meanwhile.
 */
import { Effect, Exit, type Tracer } from "effect"
import type { InstanceId } from "../domain/InstanceId.ts"
import type { Step } from "./Decision.ts"
import { phaseOf } from "./Step.ts"
import type { Telemetry } from "./Telemetry.ts"

/** Whom a step is told to. */
export interface StepTelemetryOptions {
  readonly id: InstanceId
  readonly telemetry: Telemetry
  readonly nowMillis: () => number
  /** The span of the command that it is for. */
  readonly parent: Tracer.AnySpan | undefined
}

/** The name of a step's span. */
const names: Readonly<Record<Step["_tag"], string>> = {
  Idle: "Instance.idle",
  Wait: "Instance.wait",
  Probe: "Instance.probe",
  EnsureImage: "Instance.image",
  CreateImage: "Instance.create",
  Launch: "Instance.launch",
  Watch: "Instance.connect",
  Pause: "Instance.pause",
  Resume: "Instance.resume",
  Attach: "Instance.attach",
  Detach: "Instance.detach",
  Stop: "Instance.stop",
  DeleteImage: "Instance.delete",
  Forget: "Instance.forget"
}

/** Tells of a step while it is taken. */
export const told = <A, E>(
  step: Step,
  action: Effect.Effect<A, E>,
  { id, nowMillis, parent, telemetry }: StepTelemetryOptions
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    // A wait that nobody else waits for is no work.
    if (step._tag === "Wait" && parent === undefined) return action
    const began = nowMillis()
    const phase = phaseOf(step)
    const timed = Effect.onExit(action, (exit) => {
      if (step._tag !== "Wait") {
        const outcome = Exit.isSuccess(exit) ? "ok" : Exit.hasInterrupts(exit) ? "interrupted" : "failed"
        telemetry.phase(phase, outcome, nowMillis() - began)
      }
      return Effect.void
    })
    const logged = Effect.annotateLogs(timed, "instance", id)
    // A span that nobody listens for would cost more than all else that is told.
    return !telemetry.isTraced ? logged : logged.pipe(
      Effect.withSpan(names[step._tag], {
        ...(parent === undefined ? { root: true } : { parent }),
        attributes: { "vivarium.instance": id, "vivarium.phase": phase }
      }, { captureStackTrace: false })
    )
  })

/** Tells of the writing of a record that a command waits for. */
export const toldWriting = <A, E>(
  writing: Effect.Effect<A, E>,
  { id, parent, telemetry }: StepTelemetryOptions
): Effect.Effect<A, E> =>
  parent === undefined || !telemetry.isTraced ? writing : writing.pipe(
    Effect.withSpan("Instance.record", { parent, attributes: { "vivarium.instance": id } }, {
      captureStackTrace: false
    })
  )
